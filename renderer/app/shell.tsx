import { ActionIcon, Badge, Group, Loader, Text, Tooltip } from "@mantine/core";
import { IconBox, IconListCheck, IconLock, IconPhoto, IconServer, IconSettings, IconShieldCheck, IconTerminal2 } from "@tabler/icons-react";
import { type ReactNode, Suspense, useEffect } from "react";
import { Link, Redirect, Route, Switch, useLocation } from "wouter";
import type { Session } from "../../privileged-helper/contract/model.ts";
import { DestroyDialog, ForceStopDialog, StillRunningDialog } from "../features/containers/confirm-dialogs.tsx";
import { ContainersPage } from "../features/containers/containers-page.tsx";
import { useClient } from "../state/connection.ts";
import { useContainersStore } from "../state/containers.ts";
import { closeDialog, type Dialog, openDialog, useDialogs } from "../state/dialogs.ts";
import { useSession } from "../state/session.ts";
import { useSettings } from "../state/settings.ts";
import { actionOf, shortcutOf } from "../state/shortcuts.ts";
import { onEndedAtOnce, onNotices, useTasksStore } from "../state/tasks.ts";
import { useTerminals } from "../state/terminals.ts";
import { nameInPath, namesInPath } from "../ui/paths.ts";
import { showEarlyEnd, showNotices, showProblem } from "../ui/toasts.tsx";
import { ErrorBoundary } from "./error-boundary.tsx";
import {
  AcceptRiskDialog,
  ComparePage,
  ContainerRoute,
  CreateDialog,
  DeleteImageDialog,
  DeleteReadyImageDialog,
  FixDialog,
  FixStartDialog,
  HardenDialog,
  HostMetrics,
  HostPage,
  ImagesPage,
  KeepDialog,
  NewTerminalDialog,
  SaveImageDialog,
  SecurityPage,
  SettingsPage,
  ShortcutsDialog,
  SoftenDialog,
  TasksPage,
  TerminalsPage,
  TryDialog,
} from "./later-parts.ts";
import { LostBanner } from "./lost-banner.tsx";
import { SessionNotice, SessionScreen } from "./session-screen.tsx";

const destinations: { path: string; label: string; icon: ReactNode }[] = [
  { path: "/containers", label: "Containers", icon: <IconBox size={20} stroke={1.6} aria-hidden /> },
  { path: "/terminals", label: "Terminals", icon: <IconTerminal2 size={20} stroke={1.6} aria-hidden /> },
  { path: "/images", label: "Images", icon: <IconPhoto size={20} stroke={1.6} aria-hidden /> },
  { path: "/security", label: "Security", icon: <IconShieldCheck size={20} stroke={1.6} aria-hidden /> },
  { path: "/tasks", label: "Tasks", icon: <IconListCheck size={20} stroke={1.6} aria-hidden /> },
  { path: "/host", label: "Host", icon: <IconServer size={20} stroke={1.6} aria-hidden /> },
  { path: "/settings", label: "Settings", icon: <IconSettings size={20} stroke={1.6} aria-hidden /> },
];

/** The frame around every page: where one can go, what runs, and the lock. */
export function Shell({ isConnected }: { isConnected: boolean }) {
  const { session } = useSession();
  useShortcutsKeys();
  useOpenTerminals();
  useEffect(() => onNotices(({ target, notices }) => showNotices(target, notices)), []);
  useEffect(() => onEndedAtOnce(({ target, endedAtOnce }) => endedAtOnce && showEarlyEnd(target, endedAtOnce)), []);
  return (
    <div className="shell">
      <button type="button" className="skip-link" onClick={() => document.getElementById("main")?.focus()}>
        Skip to content
      </button>
      <Sidebar session={session} />
      <div className="shell-content">
        {!isConnected && <LostBanner />}
        <main id="main" tabIndex={-1} className="main" data-stale={!isConnected || session.state !== "ready" || undefined}>
          <Pages session={session} />
        </main>
        <TaskBar />
      </div>
      {session.state === "ready" && <Dialogs />}
    </div>
  );
}

/** The list of all keys, with its own, or with a question mark where nobody types. In a terminal the keys are the terminal's. */
function useShortcutsKeys() {
  const changed = useSettings(({ shortcuts }) => shortcuts);
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.defaultPrevented || useDialogs.getState().dialog) return;
      const isTyped = event.target instanceof Element && event.target.closest("input, textarea, select, [contenteditable]") !== null;
      if (actionOf(event, changed) !== "app.shortcuts" && (isTyped || shortcutOf(event) !== "?")) return;
      event.preventDefault();
      openDialog({ type: "shortcuts" });
    };
    document.addEventListener("keydown", onKeyDown);
    return () => document.removeEventListener("keydown", onKeyDown);
  }, [changed]);
}

/** Terminals that were open before this page, or come back from their own windows, take in what comes, wherever the person looks. */
function useOpenTerminals() {
  const client = useClient();
  const { session } = useSession();
  const here = useTerminals(({ terminals }) => [...terminals.values()].filter(({ isElsewhere }) => !isElsewhere).length);
  const isReady = session.state === "ready";
  useEffect(() => {
    if (here > 0 && isReady) void import("../features/terminal/live-terminals.ts").then(({ beginAll }) => beginAll(client));
  }, [client, here, isReady]);
}

function Sidebar({ session }: { session: Session }) {
  const client = useClient();
  const [location] = useLocation();
  const running = useTasksStore(({ tasks }) => tasks.filter(({ state }) => state === "running").length);
  return (
    <nav aria-label="Main" className="sidebar">
      <Group gap={8} className="brand" wrap="nowrap">
        <img src="./icon.svg" alt="" width={26} height={26} />
        <Text fw={650} className="sidebar-label">
          LXC Desktop
        </Text>
      </Group>
      <ul className="plain-list">
        {destinations.map(({ path, label, icon }) => {
          const isCurrent =
            location.startsWith(path) ||
            (path === "/containers" && location.startsWith("/compare")) ||
            (location === "/" && path === "/containers");
          return (
            <li key={path}>
              <Link href={path} className="nav-link" aria-current={isCurrent ? "page" : undefined} title={label}>
                {icon}
                <span className="sidebar-label">{label}</span>
                {path === "/tasks" && running > 0 && (
                  <Badge size="sm" circle aria-label={`${running} running`} className="nav-badge">
                    {running}
                  </Badge>
                )}
              </Link>
            </li>
          );
        })}
      </ul>
      {session.state === "ready" && session.mode !== "root" && (
        <Tooltip label="Give back the right to manage containers" position="right">
          <ActionIcon
            className="lock-button"
            variant="subtle"
            color="gray"
            aria-label="Lock"
            onClick={() => void client.call("session.lock", {}).catch(showProblem)}
          >
            <IconLock size={18} aria-hidden />
          </ActionIcon>
        </Tooltip>
      )}
    </nav>
  );
}

/** A page where there is something to show; otherwise why there is not. Settings need no helper. */
function Pages({ session }: { session: Session }) {
  const [location] = useLocation();
  const hasList = useContainersStore(({ containers }) => containers !== undefined);
  const isSettings = location.startsWith("/settings");
  if (session.state !== "ready" && !isSettings) {
    const isPassing = session.state !== "failed" || session.retrying;
    // What was there stays while a helper that ended is replaced; it is greyed, because it may be out of date.
    if (!hasList || !isPassing) return <SessionScreen session={session} />;
  }
  return (
    <>
      {session.state !== "ready" && !isSettings && <SessionNotice session={session} />}
      <ErrorBoundary of={location}>
        <Suspense fallback={<Loader aria-label="Loading" m="xl" />}>
          <Switch>
            <Route path="/containers">
              <ContainersPage />
            </Route>
            <Route path="/containers/:name/:tab?">
              {({ name, tab }) => <ContainerRoute key={name} name={nameInPath(name)} tab={tab ?? "overview"} />}
            </Route>
            <Route path="/terminals">
              <TerminalsPage />
            </Route>
            <Route path="/images">
              <ImagesPage />
            </Route>
            <Route path="/security">
              <SecurityPage />
            </Route>
            <Route path="/tasks">
              <TasksPage />
            </Route>
            <Route path="/compare/:names?">{({ names }) => <ComparePage names={namesInPath(names)} />}</Route>
            <Route path="/host/:tab?">{({ tab }) => <HostPage tab={tab} metrics={<HostMetrics />} />}</Route>
            <Route path="/settings/:tab?">{({ tab }) => <SettingsPage tab={tab} />}</Route>
            <Route>
              <Redirect to="/containers" replace />
            </Route>
          </Switch>
        </Suspense>
      </ErrorBoundary>
    </>
  );
}

/** What runs now, on every page; or what waits, where nothing of ours runs. */
function TaskBar() {
  const active = useTasksStore(({ tasks }) => tasks).filter(({ endedAt }) => endedAt === undefined);
  const running = active.filter(({ state }) => state === "running");
  const [task] = running.length > 0 ? running : active;
  if (!task) return null;
  const doing = task.step ?? (task.state === "waiting" ? "Waiting for its turn" : "Working");
  return (
    <footer>
      {" "}
      <Link href="/tasks" className="task-bar">
        <Loader size={14} aria-hidden />
        <span>
          {running.length <= 1 ? `${task.target}: ${doing}` : `${running.length} tasks run, the newest on ${task.target}: ${doing}`}
        </span>
      </Link>
    </footer>
  );
}

function Dialogs() {
  const dialog = useDialogs((state) => state.dialog);
  return (
    <ErrorBoundary of={dialog} onError={failDialog}>
      <Suspense fallback={<ComingDialog />}>{dialog && <OneDialog dialog={dialog} />}</Suspense>
    </ErrorBoundary>
  );
}

/** Seen only where a dialog takes its time to be loaded. */
function ComingDialog() {
  return (
    <div className="coming-dialog">
      <Loader aria-label="Loading" />
    </div>
  );
}

function failDialog(error: Error): void {
  closeDialog();
  showProblem(error);
}

function OneDialog({ dialog }: { dialog: Dialog }) {
  if (dialog.type === "create") return <CreateDialog {...dialog} />;
  if (dialog.type === "destroy") return <DestroyDialog name={dialog.name} />;
  if (dialog.type === "fix-start") return <FixStartDialog problem={dialog.problem} />;
  if (dialog.type === "force-stop") return <ForceStopDialog name={dialog.name} />;
  if (dialog.type === "delete-image") return <DeleteImageDialog {...dialog} />;
  if (dialog.type === "delete-ready-image") return <DeleteReadyImageDialog {...dialog} />;
  if (dialog.type === "save-image") return <SaveImageDialog name={dialog.name} />;
  if (dialog.type === "try") return <TryDialog source={dialog.source} title={dialog.title} />;
  if (dialog.type === "new-terminal") return <NewTerminalDialog name={dialog.name} kind={dialog.kind} />;
  if (dialog.type === "shortcuts") return <ShortcutsDialog />;
  if (dialog.type === "keep") return <KeepDialog name={dialog.name} />;
  if (dialog.type === "harden") return <HardenDialog name={dialog.name} finding={dialog.finding} />;
  if (dialog.type === "soften") return <SoftenDialog name={dialog.name} finding={dialog.finding} />;
  if (dialog.type === "accept-risk") return <AcceptRiskDialog name={dialog.name} finding={dialog.finding} />;
  if (dialog.type === "fix-host") return <FixDialog check={dialog.check} />;
  return <StillRunningDialog name={dialog.name} seconds={dialog.seconds} />;
}
