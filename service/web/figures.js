/** Numbers as people read them, in the language of the page. */
import { language } from "./words.js";

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte"];
const LEAST_SHARE = 0.01;

/** A share as a percentage. */
export function percent(/** @type {number} */ share, digits = 0) {
  const options = { style: /** @type {const} */ ("percent"), minimumFractionDigits: digits, maximumFractionDigits: digits };
  return new Intl.NumberFormat(language(), options).format(share);
}

/** Bytes in the unit that fits. */
export function bytes(/** @type {number} */ count) {
  const power = Math.min(UNITS.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, count)) / 10)));
  const options = {
    style: /** @type {const} */ ("unit"),
    unit: UNITS[power],
    unitDisplay: power ? /** @type {const} */ ("short") : /** @type {const} */ ("long"),
    maximumFractionDigits: power > 1 ? 1 : 0,
  };
  return new Intl.NumberFormat(language(), options).format(count / 1024 ** power);
}

/** Seconds as a player shows them, with tenths: 1:02.5, and hours where there are some. */
export function clock(/** @type {number} */ seconds) {
  const tenths = Math.max(0, Math.round(seconds * 10));
  const whole = Math.floor(tenths / 10);
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const tail = `${String(rest).padStart(2, "0")}.${tenths % 10}`;
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${tail}` : `${minutes}:${tail}`;
}

/** A wait, roughly. */
export function wait(/** @type {number} */ seconds) {
  const inMinutes = seconds >= 90;
  const options = { style: /** @type {const} */ ("unit"), unit: inMinutes ? "minute" : "second", unitDisplay: /** @type {const} */ ("long") };
  return new Intl.NumberFormat(language(), options).format(Math.ceil(inMinutes ? seconds / 60 : seconds));
}

/** A confidence in whole percent; less than one, and not quite all, are said so. */
export function share(/** @type {number} */ confidence) {
  if (confidence > 0 && confidence < LEAST_SHARE) return `< ${percent(LEAST_SHARE)}`;
  if (confidence < 1 && confidence > 1 - LEAST_SHARE) return `> ${percent(1 - LEAST_SHARE)}`;
  return percent(confidence);
}

/** A share from −1 to 1, in percent with its sign. */
export function signedPercent(/** @type {number} */ value) {
  return new Intl.NumberFormat(language(), { style: "percent", signDisplay: "exceptZero", maximumFractionDigits: 0 }).format(value);
}

/** A number with two digits that count. */
export function rough(/** @type {number} */ value) {
  return new Intl.NumberFormat(language(), { maximumSignificantDigits: 2 }).format(value);
}
