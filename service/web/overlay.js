/** What was seen, drawn over the camera's picture: the hand's skeleton, its box, and the answer above it. */

/** @typedef {{handedness: string | null, box: number[], landmarks?: number[][]}} Hand */
/** @typedef {{x: number, y: number, width: number, height: number}} Box */

/** Pairs of MediaPipe's 21 points of a hand that a bone joins. */
const BONES = [
  [0, 1, 2, 3, 4],
  [0, 5, 6, 7, 8],
  [9, 10, 11, 12],
  [13, 14, 15, 16],
  [0, 17, 18, 19, 20],
  [5, 9, 13, 17],
];

export class Overlay {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this.mirrored = true;
  }

  clear() {
    this.canvas.getContext("2d")?.clearRect(0, 0, this.canvas.width, this.canvas.height);
  }

  /** Draw the hands of one answer and its label; width and height are the picture's. */
  draw(/** @type {Hand[]} */ hands, /** @type {string} */ label, /** @type {number} */ width, /** @type {number} */ height) {
    const pen = this.canvas.getContext("2d");
    if (!pen) return;
    if (this.canvas.width !== width) this.canvas.width = width;
    if (this.canvas.height !== height) this.canvas.height = height;
    this.clear();
    const style = getComputedStyle(this.canvas);
    const unit = Math.max(width, height) / 320;
    pen.lineWidth = 2 * unit;
    pen.lineJoin = "round";
    pen.lineCap = "round";
    for (const hand of hands) {
      pen.strokeStyle = pen.fillStyle = style.getPropertyValue("--over-picture");
      this.skeleton(pen, (hand.landmarks ?? []).map(([x, y]) => [this.across(x) * width, y * height]), unit);
      this.box(pen, this.shown(hand.box, width, height), unit);
    }
    if (hands[0] && label) this.label(pen, label, this.shown(hands[0].box, width, height), unit);
  }

  /** Where a fraction of the width lies on the picture as it is shown. */
  across(/** @type {number} */ x) {
    return this.mirrored ? 1 - x : x;
  }

  /** A box of fractions (left, top, width, height) in the pixels of the picture as it is shown. */
  shown(/** @type {number[]} */ [left, top, wide, high], /** @type {number} */ width, /** @type {number} */ height) {
    const x = Math.min(this.across(left), this.across(left + wide));
    return { x: x * width, y: top * height, width: wide * width, height: high * height };
  }

  /** @param {CanvasRenderingContext2D} pen @param {number[][]} points @param {number} unit */
  skeleton(pen, points, unit) {
    if (points.length !== 21) return;
    for (const bones of BONES) {
      pen.beginPath();
      for (const point of bones) pen.lineTo(points[point][0], points[point][1]);
      pen.stroke();
    }
    for (const [x, y] of points) {
      pen.beginPath();
      pen.arc(x, y, 2.5 * unit, 0, 2 * Math.PI);
      pen.fill();
    }
  }

  /** @param {CanvasRenderingContext2D} pen @param {Box} box @param {number} unit */
  box(pen, box, unit) {
    pen.globalAlpha = 0.7;
    pen.lineWidth = unit;
    pen.beginPath();
    pen.roundRect(box.x, box.y, box.width, box.height, 6 * unit);
    pen.stroke();
    pen.globalAlpha = 1;
    pen.lineWidth = 2 * unit;
  }

  /** @param {CanvasRenderingContext2D} pen @param {string} label @param {Box} box @param {number} unit */
  label(pen, label, box, unit) {
    pen.font = `600 ${14 * unit}px ${getComputedStyle(document.body).fontFamily}`;
    const width = pen.measureText(label).width + 12 * unit;
    const x = Math.min(Math.max(0, box.x), this.canvas.width - width);
    const y = Math.max(0, box.y - 24 * unit);
    pen.fillStyle = "rgb(0 0 0 / 0.65)";
    pen.beginPath();
    pen.roundRect(x, y, width, 20 * unit, 5 * unit);
    pen.fill();
    pen.fillStyle = "white";
    pen.textBaseline = "middle";
    pen.fillText(label, x + 6 * unit, y + 10.5 * unit);
  }
}
