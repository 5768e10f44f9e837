import { useCallback, useEffect, useState } from "react";
import { type Problem, toProblem } from "../../privileged-helper/contract/problems.ts";
import type { Client } from "../backend/client.ts";
import { useClient } from "./connection.ts";
import { useIsLive } from "./live.ts";

/**
 * Asks once, and again with every new helper. What was answered before stays until the next answer is there.
 * @param ask Has to stay the same function.
 */
export function useAnswer<T>(ask: (client: Client) => Promise<T>): { answer?: T; problem?: Problem; askAgain(): void } {
  const client = useClient();
  const isLive = useIsLive();
  const [state, setState] = useState<{ answer?: T; problem?: Problem }>({});
  const [count, setCount] = useState(0);
  const askAgain = useCallback(() => setCount((before) => before + 1), []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: each count is another attempt
  useEffect(() => {
    if (!isLive) return;
    let isGone = false;
    ask(client).then(
      (answer) => {
        if (!isGone) setState({ answer });
      },
      (error) => {
        const problem = toProblem(error);
        // The connection is gone, and with it whoever could answer: that is shown elsewhere, and it is asked again.
        if (!isGone && problem.code !== "cancelled") setState(({ answer }) => ({ answer, problem }));
      },
    );
    return () => {
      isGone = true;
    };
  }, [client, isLive, ask, count]);
  return { ...state, askAgain };
}
