// Files in and out: a chosen file as base64, and base64 as a file to save.

export const MOST_BYTES = 20 * 1024 * 1024;

/** The browser reads and encodes in the background, so that a large file does not hold up the page. */
export function base64Of(file: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result).replace(/^[^,]*,/, ""));
    reader.onerror = () => reject(new Error("The browser could not read this file."));
    reader.readAsDataURL(file);
  });
}

const TYPES: Record<string, string> = { html: "text/html", json: "application/json", py: "text/x-python" };

/** Saves a file that the engine sent. */
export function save(name: string, content: string): void {
  const binary = atob(content);
  const bytes = Uint8Array.from(binary, (letter) => letter.charCodeAt(0));
  const type = TYPES[name.split(".").pop() ?? ""] ?? "application/octet-stream";
  const address = URL.createObjectURL(new Blob([bytes], { type }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  window.setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
