import { Alert } from "@mantine/core";
import type { Action } from "../../privileged-helper/contract/methods.ts";
import type { Client } from "../backend/client.ts";
import { useAnswer } from "../state/answer.ts";
import { useSession } from "../state/session.ts";
import { rightName } from "./right-text.ts";

/** Says before anything is filled in that a rule refuses what it is for. Only rules about each right can: with one password for all there are none. */
export function RightNotice({ action }: { action: Action }) {
  const { session } = useSession();
  return session.state === "ready" && session.mode === "limited" ? <NoticeByRules action={action} /> : null;
}

const ask = (client: Client) => client.call("rights.get", {});

function NoticeByRules({ action }: { action: Action }) {
  const { answer: rights } = useAnswer(ask);
  if (rights?.answers[action] !== "refused") return null;
  return (
    <Alert color="yellow" role="note" aria-label="Missing right">
      This computer's rules do not let you {rightName(action)}, unless one of them names this very container. Its administrator can change
      that.
    </Alert>
  );
}
