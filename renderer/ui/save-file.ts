/** Has the browser keep a file where the person has such files. */
export function saveFile(name: string, content: Blob): void {
  const address = URL.createObjectURL(content);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  // Chromium has taken it once the click is done, in a task of its own.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

/** "web, 2026-11-24 12.03.09.csv": the same on every system. */
export function exportName(subject: string, now: Date, extension: string): string {
  const moment = now.toISOString().slice(0, 19).replace("T", " ").replaceAll(":", ".");
  return `${subject.replaceAll(/[^A-Za-z0-9._ -]/g, "_")}, ${moment}.${extension}`;
}
