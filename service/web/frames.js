/** Pictures of the camera as the service takes them: unmirrored JPEG behind twelve bytes of number and time. */

export const HEADER_BYTES = 12;
const LONG_SIDE = 640;
const QUALITY = 0.8;

/**
 * One binary message: uint32 seq and float64 time in seconds, both little-endian, then the picture.
 * @param {number} seq
 * @param {number} timeS
 * @param {ArrayBuffer} picture
 */
export function encodeFrame(seq, timeS, picture) {
  const message = new Uint8Array(HEADER_BYTES + picture.byteLength);
  const header = new DataView(message.buffer);
  header.setUint32(0, seq, true);
  header.setFloat64(4, timeS, true);
  message.set(new Uint8Array(picture), HEADER_BYTES);
  return message.buffer;
}

/** Width and height to send: the picture's own, made smaller where its long side or its pixels are too many. */
export function sizeToSend(/** @type {number} */ width, /** @type {number} */ height, mostPixels = Infinity) {
  const scale = Math.min(1, LONG_SIDE / Math.max(width, height), Math.sqrt(mostPixels / (width * height)));
  return { width: Math.floor(width * scale), height: Math.floor(height * scale) };
}

/** Takes pictures of a playing video, one at a time. */
export class Shutter {
  /** @param {HTMLVideoElement} video */
  constructor(video) {
    this.video = video;
    this.canvas = document.createElement("canvas");
    this.busy = false;
  }

  /** The picture that is shown now, null where there is none yet. */
  async picture(/** @type {number} */ mostPixels) {
    if (!this.video.videoWidth) return null;
    this.busy = true;
    try {
      Object.assign(this.canvas, sizeToSend(this.video.videoWidth, this.video.videoHeight, mostPixels));
      this.canvas.getContext("2d")?.drawImage(this.video, 0, 0, this.canvas.width, this.canvas.height);
      const blob = await new Promise((/** @type {(blob: Blob | null) => void} */ resolve) =>
        this.canvas.toBlob(resolve, "image/jpeg", QUALITY),
      );
      return blob ? await blob.arrayBuffer() : null;
    } finally {
      this.busy = false;
    }
  }
}

/**
 * Call for each picture of a video, with its time in milliseconds, until the returned function is called.
 * @param {HTMLVideoElement} video
 * @param {(timeMs: number) => void} onPicture
 * @returns {() => void}
 */
export function watchPictures(video, onPicture) {
  let going = true;
  if (!("requestVideoFrameCallback" in video)) {
    const timer = setInterval(() => onPicture(performance.now()), 1000 / 30);
    return () => clearInterval(timer);
  }
  const next = (/** @type {number} */ now, /** @type {VideoFrameCallbackMetadata} */ metadata) => {
    if (!going) return;
    onPicture(metadata.captureTime ?? now);
    video.requestVideoFrameCallback(next);
  };
  video.requestVideoFrameCallback(next);
  return () => {
    going = false;
  };
}
