// The smallest client of WS /stream: camera → JPEG → socket → transcript. No library, no build step.
// Serve this folder and name the service: stream.html?url=ws://127.0.0.1:8000/stream&key=KEY&model=asl-letters
// (start the service with SIGN_CORS_ORIGINS=http://localhost:9000 for `python -m http.server 9000`).
"use strict";

const options = new URLSearchParams(location.search);
const url = options.get("url") ?? "ws://127.0.0.1:8000/stream";
const show = (id, text) => { document.getElementById(id).textContent = text; };

// A browser cannot set headers on a WebSocket: the key goes along as a protocol, in base64url.
function protocols() {
  const key = options.get("key");
  if (!key) return ["sign.v1"];
  const encoded = btoa(String.fromCharCode(...new TextEncoder().encode(key)));
  return ["sign.v1", "sign.key." + encoded.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")];
}

// uint32 seq, float64 time_s, both little-endian, then the picture.
function message(seq, seconds, picture) {
  const header = new DataView(new ArrayBuffer(12));
  header.setUint32(0, seq, true);
  header.setFloat64(4, seconds, true);
  return new Blob([header, picture]);
}

async function begin() {
  const video = document.getElementById("preview");
  video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480 } });
  await video.play();
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  const context = canvas.getContext("2d");
  const socket = new WebSocket(url, protocols());
  let timer = 0, seq = 0;

  function sendFrame() {
    const seconds = performance.now() / 1000; // the frame's time: any clock that only goes forward
    if (socket.bufferedAmount > 200_000) return; // the network is slower than the camera
    context.drawImage(video, 0, 0); // as the camera sees it; only the preview is mirrored
    canvas.toBlob((picture) => {
      if (picture && socket.readyState === WebSocket.OPEN) socket.send(message(seq++, seconds, picture));
    }, "image/jpeg", 0.85);
  }

  socket.onopen = () => socket.send(JSON.stringify({ type: "start", model: options.get("model") }));
  socket.onmessage = (event) => {
    const heard = JSON.parse(event.data);
    if (heard.type === "ready") {
      show("state", `${heard.model.name} is reading.`);
      timer = setInterval(sendFrame, 1000 / heard.sample_rate);
    } else if (heard.type === "frame") {
      const best = heard.prediction?.predicted_class_name ?? "–";
      show("state", `${best}, ${Math.round(heard.latency_ms)} ms, ${heard.dropped} dropped`);
    } else if (heard.type === "interim" || heard.type === "segment" || heard.type === "summary") {
      show("transcript", heard.transcript);
    } else if (heard.type === "error") {
      show("state", heard.detail);
    }
  };
  socket.onclose = (event) => {
    clearInterval(timer);
    for (const track of video.srcObject.getTracks()) track.stop();
    if (event.code !== 1000) show("state", `Closed: ${event.code} ${event.reason}`);
  };
  document.getElementById("end").onclick = () => socket.send(JSON.stringify({ type: "stop" }));
}

document.getElementById("begin").onclick = () =>
  begin().catch((error) => show("state", `No camera: ${error.message}`));
