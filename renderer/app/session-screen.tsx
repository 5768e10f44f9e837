import { Alert, Loader, Stack, Text, Title } from "@mantine/core";
import { IconKey, IconLock, IconPlugConnectedX, IconTool } from "@tabler/icons-react";
import type { Session } from "../../privileged-helper/contract/model.ts";
import type { ProblemCode } from "../../privileged-helper/contract/problems.ts";
import { useClient } from "../state/connection.ts";
import { explainProblem } from "../ui/problem.ts";
import { ProblemView } from "../ui/problem-view.tsx";

/** Shown in the place of a page while there is no helper: what is awaited, or what is wrong and what to do about it. */
export function SessionScreen({ session }: { session: Exclude<Session, { state: "ready" }> }) {
  const client = useClient();
  if (session.state === "failed") {
    const { title } = explainProblem(session.problem);
    return (
      <div className="session-screen">
        <Stack align="center" gap="sm" maw={560}>
          <SessionIcon code={session.problem.code} />
          <Title order={1} size="h3" ta="center">
            {title}
          </Title>
          {session.retrying && (
            <Text role="status" size="sm">
              It is being started again…
            </Text>
          )}
          <ProblemView
            problem={session.problem}
            withTitle={false}
            isCentered
            onRetry={() => client.call("session.connect", {}).catch(() => {})}
          />
        </Stack>
      </div>
    );
  }
  const { title, body } = awaited[session.state];
  return (
    <div className="session-screen" role="status">
      <Stack align="center" gap="sm" maw={480}>
        <Loader aria-hidden />
        <Title order={1} size="h3" ta="center">
          {title}
        </Title>
        <Text ta="center">{body}</Text>
      </Stack>
    </div>
  );
}

/** The same above a page that stays, greyed, until there is a helper again. */
export function SessionNotice({ session }: { session: Exclude<Session, { state: "ready" }> }) {
  if (session.state === "failed") {
    return (
      <Alert color="yellow" mb="md" role="status">
        <ProblemView problem={session.problem} />
        {session.retrying && <Text size="sm">It is being started again…</Text>}
      </Alert>
    );
  }
  const { title, body } = awaited[session.state];
  return (
    <Alert color="yellow" mb="md" role="status" title={title} icon={<Loader size={18} aria-hidden />}>
      {body}
    </Alert>
  );
}

const awaited: Record<"starting" | "authenticating", { title: string; body: string }> = {
  starting: { title: "Starting…", body: "The part of LXC Desktop that manages containers is being started." },
  authenticating: {
    title: "Waiting for your password",
    body: "Your desktop asks for a password, because managing containers needs root. It holds until you close LXC Desktop or lock it.",
  },
};

function SessionIcon({ code }: { code: ProblemCode }) {
  if (code === "locked") return <IconLock size={48} stroke={1.2} aria-hidden />;
  if (code.startsWith("auth-") || code === "no-polkit-agent") return <IconKey size={48} stroke={1.2} aria-hidden />;
  if (code === "helper-lost") return <IconPlugConnectedX size={48} stroke={1.2} aria-hidden />;
  return <IconTool size={48} stroke={1.2} aria-hidden />;
}
