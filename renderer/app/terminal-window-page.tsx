import { Suspense } from "react";
import { TerminalWindow } from "../features/terminal/terminal-window.tsx";
import { useDialogs } from "../state/dialogs.ts";
import { useSession } from "../state/session.ts";
import { ShortcutsDialog } from "./later-parts.ts";
import { LostBanner } from "./lost-banner.tsx";
import { SessionNotice } from "./session-screen.tsx";

/** The page of a terminal that has a window of its own. */
export function TerminalWindowPage({ isConnected }: { isConnected: boolean }) {
  const { session } = useSession();
  const isShowingKeys = useDialogs(({ dialog }) => dialog?.type === "shortcuts");
  const notice = !isConnected ? <LostBanner /> : session.state === "ready" ? undefined : <SessionNotice session={session} />;
  return (
    <>
      <TerminalWindow notice={notice} />
      {isShowingKeys && (
        <Suspense fallback={null}>
          <ShortcutsDialog />
        </Suspense>
      )}
    </>
  );
}
