// A folder as one zip, made in the browser without holding it in memory: the pictures are packed as they
// are (they hardly shrink), so the zip is a Blob of small headers between references to the files on disk.
// One archive and not file by file: thousands of small requests are slow, and half a folder is no dataset.
// Layout: PKWARE APPNOTE 4.3; no Zip64, so under 4 GB and 65,535 files.

import { t } from "../core/words.js";

const MAX_BYTES = 0xffffffff, MAX_FILES = 0xfffe;
const HEADER_BYTES = 30, ENTRY_BYTES = 46, END_BYTES = 22;
const UTF8_NAMES = 0x0800, STORED = 0, VERSION = 20;

const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit += 1) n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1;
  return n;
});

function crc32(bytes, start = 0) {
  let crc = ~start;
  for (let n = 0; n < bytes.length; n += 1) crc = TABLE[(crc ^ bytes[n]) & 0xff] ^ (crc >>> 8);
  return ~crc >>> 0;
}

async function crcOf(file) {
  let crc = 0;
  const reader = file.stream().getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) crc = crc32(part.value, crc);
  return crc;
}

function record(size, fields) {
  const view = new DataView(new ArrayBuffer(size));
  let place = 0;
  for (const [bytes, value] of fields) {
    if (bytes === 2) view.setUint16(place, value, true); else view.setUint32(place, value, true);
    place += bytes;
  }
  return new Uint8Array(view.buffer);
}

// One date for all: the same files must make the same zip, so that an upload of it can be gone on with.
const SAME = [[2, VERSION], [2, UTF8_NAMES], [2, STORED], [2, 0], [2, 0x21]];

function both(crc, size, name) {
  return [...SAME, [4, crc], [4, size], [4, size], [2, name.length], [2, 0]];
}

// files: [{ path, file }]. Throws an Error with a sentence.
export async function zipFolder(name, files, advance = () => {}) {
  const chosen = files.filter(({ path }) => !path.split("/").some((part) => part.startsWith(".")));
  chosen.sort((a, b) => (a.path < b.path ? -1 : 1));
  const total = chosen.reduce((sum, { file, path }) => sum + file.size + 2 * (HEADER_BYTES + ENTRY_BYTES + 4 * path.length), 0);
  if (!chosen.length) throw new Error(t("The folder {name} holds no files.", { name }));
  if (chosen.length > MAX_FILES || total + END_BYTES > MAX_BYTES) {
    throw new Error(t("The folder {name} is too large to be packed in the browser (4 GB or 65,534 files): make a zip of it and upload that.", { name }));
  }
  const parts = [], directory = [];
  let offset = 0, digest = 0;
  for (const [index, { path, file }] of chosen.entries()) {
    const encoded = new TextEncoder().encode(path);
    const fields = both(await crcOf(file), file.size, encoded);
    parts.push(record(HEADER_BYTES, [[4, 0x04034b50], ...fields]), encoded, file);
    const entry = record(ENTRY_BYTES, [[4, 0x02014b50], [2, VERSION], ...fields, [2, 0], [2, 0], [2, 0], [4, 0], [4, offset]]);
    directory.push(entry, encoded);
    digest = crc32(encoded, crc32(entry, digest));
    offset += HEADER_BYTES + encoded.length + file.size;
    advance(index + 1, chosen.length);
  }
  const size = directory.reduce((sum, part) => sum + part.length, 0);
  const end = [[4, 0x06054b50], [2, 0], [2, 0], [2, chosen.length], [2, chosen.length], [4, size], [4, offset], [2, 0]];
  const zip = new File([...parts, ...directory, record(END_BYTES, end)], `${name}.zip`, { type: "application/zip", lastModified: 0 });
  zip.digest = digest; // tells two folders of one name and size apart
  return zip;
}

async function walk(entry, path, found) {
  if (entry.isFile) {
    found.push({ path, file: await new Promise((resolve, reject) => entry.file(resolve, reject)) });
    return;
  }
  const reader = entry.createReader();
  for (;;) { // it gives at most 100 at a time
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return;
    for (const child of some) await walk(child, `${path}/${child.name}`, found);
  }
}

// What was dropped, as files; each folder as a zip of its own.
export async function droppedFiles(transfer, advance) {
  // The list is emptied as soon as we wait for something.
  const items = [...transfer.items].filter((item) => item.kind === "file");
  const entries = items.map((item) => [item.webkitGetAsEntry?.(), item.getAsFile()]);
  const files = [];
  for (const [entry, file] of entries) {
    if (!entry?.isDirectory) { if (file) files.push(file); continue; }
    const found = [];
    await walk(entry, entry.name, found);
    files.push(await zipFolder(entry.name, found, advance));
  }
  return files;
}

// What an <input webkitdirectory> holds, as a zip.
export function pickedFolder(list, advance) {
  const files = [...list].map((file) => ({ path: file.webkitRelativePath, file }));
  return zipFolder(files[0].path.split("/")[0], files, advance);
}
