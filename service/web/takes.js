/** When a take begins and ends, by the hands that are seen; and the last pictures of the camera, of which it is cut. */

/** @typedef {import("./overlay.js").Hand} Hand */
/** @typedef {import("./film.js").Picture} Picture */
/** @typedef {{startS: number, endS: number}} Take */

/** A hand is up where its middle is above this part of the picture's height, and rests below the other. */
const UP = 0.8;
const DOWN = 0.86;
const RISES_S = 0.1;
const RESTS_S = 0.5;
/** A hand that is held still for so long has said what it had to say. */
const STILL_S = 1.5;
/** Heights of the hand a second, below which it is still. */
const STILL_SPEED = 0.35;
/** What shows the way up and down again is part of the sign. */
const BEFORE_S = 0.3;
const AFTER_S = 0.2;
const LEAST_S = 0.4;

/** Follows the hands and says when one take is over: from the hand's rise to its rest. */
export class TakeWatch {
  /** @param {number} mostS the longest take */
  constructor(mostS) {
    this.mostS = mostS;
    /** @type {"resting" | "up" | "over"} over: the take is, but the hand has not rested yet */
    this.state = "resting";
    /** @type {number} */
    this.upSince = NaN;
    /** @type {number} */
    this.lastUp = NaN;
    /** @type {number} */
    this.stillSince = NaN;
    /** @type {{x: number, y: number, timeS: number} | null} */
    this.before = null;
  }

  /** Wait for the next rise; a hand that is up already has to rest first. */
  reset(mustRest = false) {
    this.state = mustRest ? "over" : "resting";
    this.upSince = NaN;
    this.lastUp = NaN;
    this.stillSince = NaN;
    this.before = null;
  }

  /** Whether a take is being made now. */
  get isUp() {
    return this.state === "up" && this.lastUp - this.upSince >= RISES_S;
  }

  /**
   * The hands of one picture: the take that is over with it, null while there is none.
   * @param {number} timeS
   * @param {Hand[]} hands
   * @returns {Take | null}
   */
  see(timeS, hands) {
    const highest = hands.map(({ box: [left, top, wide, high] }) => ({ x: left + wide / 2, y: top + high / 2, high })).sort((one, two) => one.y - two.y)[0];
    const isUp = highest !== undefined && highest.y < (this.state === "up" ? DOWN : UP);
    if (isUp) return this.seeUp(timeS, highest);
    this.before = null;
    if (this.state === "up" && timeS - this.lastUp >= RESTS_S) return this.end("resting");
    if (this.state === "over" && !(timeS - this.lastUp < RESTS_S)) this.reset();
    return null;
  }

  /** @param {number} timeS @param {{x: number, y: number, high: number}} hand @returns {Take | null} */
  seeUp(timeS, hand) {
    const moved = this.before ? Math.hypot(hand.x - this.before.x, hand.y - this.before.y) / Math.max(1e-6, hand.high * (timeS - this.before.timeS)) : Infinity;
    this.before = { ...hand, timeS };
    if (moved > STILL_SPEED) this.stillSince = timeS;
    if (this.state === "resting") {
      this.state = "up";
      this.upSince = this.stillSince = timeS;
    }
    this.lastUp = timeS;
    if (this.state !== "up") return null;
    const isLong = timeS - this.upSince >= this.mostS - BEFORE_S - AFTER_S;
    return isLong || timeS - this.stillSince >= STILL_S ? this.end("over") : null;
  }

  /** @param {"resting" | "over"} state @returns {Take | null} */
  end(state) {
    const [startS, endS] = [this.upSince, this.lastUp];
    this.reset(state === "over");
    this.lastUp = endS;
    return endS - startS < LEAST_S ? null : { startS: Math.max(0, startS - BEFORE_S), endS: endS + AFTER_S };
  }
}

/** The last pictures of the camera, so many seconds of them. They stay in this page until a take is sent. */
export class LastPictures {
  /** @param {number} keptS */
  constructor(keptS) {
    this.keptMs = keptS * 1000;
    /** @type {Picture[]} */
    this.pictures = [];
  }

  add(/** @type {Picture} */ picture) {
    this.pictures.push(picture);
    while (this.pictures[0].timeMs < picture.timeMs - this.keptMs) this.pictures.shift();
  }

  /** Those from one time to another, both in milliseconds. */
  between(/** @type {number} */ fromMs, /** @type {number} */ toMs) {
    return this.pictures.filter(({ timeMs }) => timeMs >= fromMs && timeMs <= toMs);
  }

  forget() {
    this.pictures = [];
  }
}
