/** A take's skeleton, replayed: what is kept of it, and nothing else. */
import { element } from "./dom.js";

/** @typedef {"pose" | "left_hand" | "right_hand" | "hand"} Part */
/** @typedef {(number[] | null)[][]} Frames points of each frame, as fractions of the picture; null: not seen */
/** @typedef {{times: number[], aspect: number, parts: Partial<Record<Part, Frames>>}} Landmarks */

const HAND_BONES = [
  [0, 1, 2, 3, 4],
  [0, 5, 6, 7, 8],
  [9, 10, 11, 12],
  [13, 14, 15, 16],
  [0, 17, 18, 19, 20],
  [5, 9, 13, 17],
];
/** MediaPipe's upper body: shoulders, arms, trunk; and the mouth, which says where the face is. */
const POSE_BONES = [
  [11, 12, 24, 23, 11],
  [11, 13, 15],
  [12, 14, 16],
  [9, 10],
  [7, 0, 8],
];
const WIDTH = 160;
/** A picture of the whole take: where most is to be seen. */
const STILL_AT = 0.5;

/** @type {WeakMap<Element, () => void>} what draws each take again */
const stills = new WeakMap();

// what is drawn keeps its colors when those of the page change
new MutationObserver(() => {
  for (const button of document.querySelectorAll(".replay")) stills.get(button)?.();
}).observe(document.documentElement, { attributeFilter: ["data-theme"] });

/** @param {Landmarks} landmarks @param {number} index @param {CanvasRenderingContext2D} pen */
function draw(landmarks, index, pen) {
  const { width, height } = pen.canvas;
  const style = getComputedStyle(pen.canvas);
  pen.clearRect(0, 0, width, height);
  pen.lineCap = pen.lineJoin = "round";
  for (const [part, frames] of Object.entries(landmarks.parts)) {
    const isPose = part === "pose";
    pen.lineWidth = isPose ? 3 : 2;
    pen.strokeStyle = style.getPropertyValue(isPose ? "--quiet" : "--accent");
    for (const bones of isPose ? POSE_BONES : HAND_BONES) {
      pen.beginPath();
      let isDown = false;
      for (const bone of bones) {
        const point = frames[index]?.[bone];
        if (!point) isDown = false;
        else if (isDown) pen.lineTo(point[0] * width, point[1] * height);
        else {
          pen.moveTo(point[0] * width, point[1] * height);
          isDown = true;
        }
      }
      pen.stroke();
    }
  }
}

/**
 * A button that shows a take's skeleton and plays it once.
 * @param {Landmarks} landmarks
 * @param {string} label key of what it is called
 * @param {import("./words.js").Values} values
 */
export function replayButton(landmarks, label, values) {
  const canvas = /** @type {HTMLCanvasElement} */ (element("canvas", { attributes: { width: WIDTH, height: Math.round(WIDTH / landmarks.aspect), "aria-hidden": true } }));
  const pen = canvas.getContext("2d");
  const button = element("button.replay", { label, values, attributes: { type: "button" } }, canvas);
  if (!pen) return button;
  const { times } = landmarks;
  const still = () => draw(landmarks, Math.floor(times.length * STILL_AT), pen);
  let playing = 0;
  button.addEventListener("click", () => {
    cancelAnimationFrame(playing);
    const began = performance.now();
    const next = () => {
      const timeS = times[0] + (performance.now() - began) / 1000;
      const index = times.findIndex((time) => time >= timeS);
      if (index < 0) still();
      else {
        draw(landmarks, index, pen);
        playing = requestAnimationFrame(next);
      }
    };
    next();
  });
  stills.set(button, still);
  requestAnimationFrame(still); // once it stands in the page and has its colors
  return button;
}
