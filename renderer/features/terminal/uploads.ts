import { create } from "zustand";
import { toProblem } from "../../../privileged-helper/contract/problems.ts";
import type { Client } from "../../backend/client.ts";
import { sendFileFor } from "../../backend/upload.ts";
import { useTerminals } from "../../state/terminals.ts";
import { showDone, showProblem } from "../../ui/toasts.tsx";
import { ask } from "./questions.ts";

export type Upload = { id: string; terminal: string; file: string; bytes: number; written: number; cancel(): void };

/** Files that are on their way into a container. */
export const useUploads = create<{ uploads: readonly Upload[] }>(() => ({ uploads: [] }));

let count = 0;

/** Puts files into the folder that a terminal's shell is in, one after the other. Asks before one takes the place of another. */
export async function uploadFiles(client: Client, terminal: string, files: readonly File[]): Promise<void> {
  for (const file of files) {
    try {
      await upload(client, terminal, file, false);
    } catch (error) {
      if (toProblem(error).code !== "already-exists") {
        showProblem(error);
        // The next one would most likely fail alike.
        return;
      }
      ask({
        type: "replace",
        file: file.name,
        replace: () => void upload(client, terminal, file, true).catch(showProblem),
      });
      return;
    }
  }
}

/** @throws ProblemError; nothing of the file stays then. */
async function upload(client: Client, terminal: string, file: File, overwrite: boolean): Promise<void> {
  const info = useTerminals.getState().terminals.get(terminal);
  if (info?.channel === undefined || info.status.state !== "open") return;
  const cancelling = new AbortController();
  const id = `upload-${(count++).toString(36)}`;
  const change = (written: number) =>
    useUploads.setState(({ uploads }) => ({ uploads: uploads.map((one) => (one.id === id ? { ...one, written } : one)) }));
  const { channel } = await client.call("terminal.upload", { channel: info.channel, file: file.name, bytes: file.size, overwrite });
  const shown: Upload = { id, terminal, file: file.name, bytes: file.size, written: 0, cancel: () => cancelling.abort() };
  useUploads.setState(({ uploads }) => ({ uploads: [...uploads, shown] }));
  try {
    const { path } = await sendFileFor(client, file, { channel, signal: cancelling.signal, onWritten: change }, (signal) =>
      client.call("terminal.finishUpload", { channel }, { signal }),
    );
    showDone(`${path} is in ${info.container}.`);
  } finally {
    useUploads.setState(({ uploads }) => ({ uploads: uploads.filter((one) => one.id !== id) }));
  }
}
