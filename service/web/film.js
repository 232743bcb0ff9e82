/** A film of JPEG pictures, each with its time: the pictures that were taken before the camera, as one file (Matroska). */

/** @typedef {{timeMs: number, jpeg: Uint8Array}} Picture */

const EBML = 0x1a45dfa3;
const SEGMENT = 0x18538067;
const INFO = 0x1549a966;
const TRACKS = 0x1654ae6b;
const CLUSTER = 0x1f43b675;
/** Times inside a cluster are 16 bits of milliseconds. */
const CLUSTER_MS = 30_000;
const MILLISECOND_NS = 1_000_000;
const KEY_FRAME = 0x80;

/**
 * The pictures as a Matroska file, from the first one's time on.
 * @param {Picture[]} pictures at least one, in order of time
 * @param {{width: number, height: number}} size of each
 */
export function filmOf(pictures, { width, height }) {
  const start = pictures[0].timeMs;
  const times = pictures.map(({ timeMs }) => Math.round(timeMs - start));
  const last = times.at(-1) ?? 0;
  const each = times.length > 1 ? last / (times.length - 1) : 0;
  const head = master(EBML, [uint(0x4286, 1), uint(0x42f7, 1), uint(0x42f2, 4), uint(0x42f3, 8), text(0x4282, "matroska"), uint(0x4287, 4), uint(0x4285, 2)]);
  const info = master(INFO, [uint(0x2ad7b1, MILLISECOND_NS), float(0x4489, last + each), text(0x4d80, "sign"), text(0x5741, "sign")]);
  const video = master(0xe0, [uint(0xb0, width), uint(0xba, height)]);
  const track = master(0xae, [uint(0xd7, 1), uint(0x73c5, 1), uint(0x83, 1), text(0x86, "V_MJPEG"), video]);
  const body = master(SEGMENT, [info, master(TRACKS, [track]), ...clusters(pictures, times)]);
  return new Blob(/** @type {BlobPart[]} */ ([...head, ...body]), { type: "video/x-matroska" });
}

/** @param {Picture[]} pictures @param {number[]} times */
function clusters(pictures, times) {
  const found = [];
  for (let first = 0; first < pictures.length; ) {
    const began = times[first];
    let next = first;
    while (next < pictures.length && times[next] - began < CLUSTER_MS) next += 1;
    const blocks = pictures.slice(first, next).map(({ jpeg }, index) => block(times[first + index] - began, jpeg));
    found.push(master(CLUSTER, [uint(0xe7, began), ...blocks]));
    first = next;
  }
  return found;
}

/** A picture, so many milliseconds after its cluster's time. */
function block(/** @type {number} */ afterMs, /** @type {Uint8Array} */ jpeg) {
  return bytes(0xa3, [new Uint8Array([0x81, afterMs >> 8, afterMs & 0xff, KEY_FRAME]), jpeg]);
}

/** An element that holds others. */
function master(/** @type {number} */ id, /** @type {Uint8Array[][]} */ children) {
  return bytes(id, children.flat());
}

/** An element's id, its length, and its content. */
function bytes(/** @type {number} */ id, /** @type {Uint8Array[]} */ content) {
  const length = content.reduce((sum, one) => sum + one.length, 0);
  return [new Uint8Array([...bigEndian(id), ...bigEndian(length, 8).with(0, 1)]), ...content];
}

function uint(/** @type {number} */ id, /** @type {number} */ value) {
  return bytes(id, [new Uint8Array(bigEndian(value))]);
}

function float(/** @type {number} */ id, /** @type {number} */ value) {
  const content = new DataView(new ArrayBuffer(8));
  content.setFloat64(0, value);
  return bytes(id, [new Uint8Array(content.buffer)]);
}

function text(/** @type {number} */ id, /** @type {string} */ value) {
  return bytes(id, [new TextEncoder().encode(value)]);
}

/** The bytes of a whole number, in as few as it needs or so many. */
function bigEndian(/** @type {number} */ value, least = 1) {
  const found = [];
  for (let rest = value; rest > 0 || found.length < least; rest = Math.floor(rest / 256)) found.unshift(rest % 256);
  return found;
}
