import { useEffect, useRef, useState } from "react";
import { type Problem, toProblem } from "../../../privileged-helper/contract/problems.ts";
import { type CopiedOciFile, copyOciFile, forgetOciFile } from "../../backend/oci-file.ts";
import { useClient } from "../../state/connection.ts";

/** A file of the person's that holds images of OCI. The host looks into it, and has a copy of it for that. */
export type OciFile = {
  file?: File;
  /** How much of it is copied, from 0 to 1. */
  fraction: number;
  copy?: CopiedOciFile;
  /** Which of the images in it; absent while there is a choice. */
  image?: number;
  problem?: Problem;
  choose(file: File | undefined): void;
  chooseImage(image: number): void;
  /** The copy stays when the dialog goes: whoever makes something of it forgets it. */
  handOver(): void;
};

type Chosen = Pick<OciFile, "file" | "fraction" | "copy" | "image" | "problem">;
const tellEveryMilliseconds = 100;
const nothing: Chosen = { fraction: 0 };

export function useOciFile(): OciFile {
  const client = useClient();
  const [chosen, setChosen] = useState(nothing);
  /** Lets go of what was chosen before. */
  const letGo = useRef(() => {});

  const choose = (file: File | undefined) => {
    letGo.current();
    letGo.current = () => {};
    setChosen({ file, fraction: 0 });
    if (!file || file.size === 0) return;
    const copying = new AbortController();
    const { signal } = copying;
    letGo.current = () => copying.abort();
    let toldAt = 0;
    const onWritten = (bytes: number) => {
      const now = performance.now();
      // To draw the dialog takes longer than to copy a piece of the file.
      if (signal.aborted || (bytes < file.size && now - toldAt < tellEveryMilliseconds)) return;
      toldAt = now;
      setChosen({ file, fraction: bytes / file.size });
    };
    copyOciFile(client, file, { signal, onWritten }).then(
      (copy) => {
        if (signal.aborted) return forgetOciFile(client, copy.channel);
        letGo.current = () => forgetOciFile(client, copy.channel);
        setChosen({ file, fraction: 1, copy, image: copy.images.length === 1 ? 0 : undefined });
      },
      (error: unknown) => {
        if (!signal.aborted) setChosen({ file, fraction: 0, problem: toProblem(error) });
      },
    );
  };
  useEffect(() => () => letGo.current(), []);
  return {
    ...chosen,
    choose,
    chooseImage: (image) => setChosen((before) => ({ ...before, image })),
    handOver() {
      letGo.current = () => {};
    },
  };
}
