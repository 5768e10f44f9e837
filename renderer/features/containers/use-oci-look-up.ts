import { useRef, useState } from "react";
import type { OciImage } from "../../../privileged-helper/contract/model.ts";
import { type Problem, toProblem } from "../../../privileged-helper/contract/problems.ts";
import { useClient } from "../../state/connection.ts";

/** What was told of an image of OCI. It is asked for only when a person wants it: registries count how often. */
export type OciLookUp = {
  isAsking: boolean;
  image?: OciImage;
  problem?: Problem;
  ask(): void;
};

type Answer = { reference: string; image?: OciImage; problem?: Problem };

/** @param reference As it is typed now: what was told of another one is forgotten. */
export function useOciLookUp(reference: string): OciLookUp {
  const client = useClient();
  const [answer, setAnswer] = useState<Answer>();
  const [asked, setAsked] = useState<string>();
  const asking = useRef<AbortController>(undefined);

  const ask = async () => {
    asking.current?.abort();
    const controller = new AbortController();
    asking.current = controller;
    setAsked(reference);
    const next: Answer = await client.call("oci.inspect", { reference }, { signal: controller.signal }).then(
      (image) => ({ reference, image }),
      (error: unknown) => ({ reference, problem: toProblem(error) }),
    );
    if (asking.current !== controller) return;
    setAsked(undefined);
    setAnswer(next);
  };
  const current = answer?.reference === reference ? answer : undefined;
  return { isAsking: asked === reference, image: current?.image, problem: current?.problem, ask: () => void ask() };
}
