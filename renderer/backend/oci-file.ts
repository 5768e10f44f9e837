import type { OciFile } from "../../privileged-helper/contract/model.ts";
import type { Client } from "./client.ts";
import { sendFileFor } from "./upload.ts";

/** The host's copy of a file, and the images that are in it. */
export type CopiedOciFile = OciFile & { channel: number };

type Options = { signal?: AbortSignal; onWritten?(bytes: number): void };

/** Has the host look into a file, of which it has a copy from then on. @throws ProblemError. */
export async function copyOciFile(client: Client, file: File, { signal, onWritten }: Options = {}): Promise<CopiedOciFile> {
  const { channel } = await client.call("oci.openFile", { name: file.name.slice(0, 255), bytes: file.size });
  try {
    const look = (ends: AbortSignal) => client.call("oci.lookInto", { channel }, { signal: ends });
    return { channel, ...(await sendFileFor(client, file, { channel, signal, onWritten }, look)) };
  } catch (error) {
    forgetOciFile(client, channel);
    throw error;
  }
}

export function forgetOciFile(client: Client, channel: number): void {
  // A host that is gone has forgotten it already.
  client.call("oci.forgetFile", { channel }).catch(() => {});
}
