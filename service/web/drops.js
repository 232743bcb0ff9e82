/** Files that are dropped anywhere on the page. */

/**
 * What was dropped, as far as it can be taken: the first file that is no folder, and how many there were.
 * @param {DataTransfer} dropped
 * @returns {{file: File | null, count: number, hasFolder: boolean}}
 */
export function takeDropped(dropped) {
  const entries = [...dropped.items].filter(({ kind }) => kind === "file").map((item) => ({ file: item.getAsFile(), folder: item.webkitGetAsEntry?.()?.isDirectory ?? false }));
  const files = entries.filter(({ file, folder }) => file && !folder);
  return { file: files[0]?.file ?? null, count: files.length, hasFolder: entries.some(({ folder }) => folder) };
}

/** Call for each drop of files on the page; the browser would leave the page for the file. */
export function onDrop(/** @type {(dropped: ReturnType<typeof takeDropped>) => void} */ listener) {
  const carriesFiles = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes("Files") ?? false;
  document.addEventListener("dragover", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    document.body.classList.add("dragging");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) document.body.classList.remove("dragging");
  });
  document.addEventListener("drop", (event) => {
    if (!carriesFiles(event) || !event.dataTransfer) return;
    event.preventDefault();
    document.body.classList.remove("dragging");
    listener(takeDropped(event.dataTransfer));
  });
}
