import { lazy } from "react";

/** Pages and dialogs that are loaded when they are first shown: the list of containers is there sooner, and the page takes less memory. */
export const ComparePage = lazy(() => import("../features/metrics/compare-page.tsx").then(({ ComparePage }) => ({ default: ComparePage })));
export const ContainerRoute = lazy(() => import("./container-route.tsx").then(({ ContainerRoute }) => ({ default: ContainerRoute })));
export const CreateDialog = lazy(() =>
  import("../features/containers/create-dialog.tsx").then(({ CreateDialog }) => ({ default: CreateDialog })),
);
export const DeleteImageDialog = lazy(() =>
  import("../features/images/delete-image-dialog.tsx").then(({ DeleteImageDialog }) => ({ default: DeleteImageDialog })),
);
export const DeleteReadyImageDialog = lazy(() =>
  import("../features/images/delete-ready-image-dialog.tsx").then(({ DeleteReadyImageDialog }) => ({ default: DeleteReadyImageDialog })),
);
export const FixDialog = lazy(() => import("../features/host/fix-dialog.tsx").then(({ FixDialog }) => ({ default: FixDialog })));
export const FixStartDialog = lazy(() =>
  import("../features/containers/fix-start-dialog.tsx").then(({ FixStartDialog }) => ({ default: FixStartDialog })),
);
export const HostMetrics = lazy(() => import("../features/metrics/host-metrics.tsx").then(({ HostMetrics }) => ({ default: HostMetrics })));
export const HostPage = lazy(() => import("../features/host/host-page.tsx").then(({ HostPage }) => ({ default: HostPage })));
export const ImagesPage = lazy(() => import("../features/images/images-page.tsx").then(({ ImagesPage }) => ({ default: ImagesPage })));
export const KeepDialog = lazy(() => import("../features/containers/keep-dialog.tsx").then(({ KeepDialog }) => ({ default: KeepDialog })));
export const NewTerminalDialog = lazy(() =>
  import("../features/terminal/new-terminal-dialog.tsx").then(({ NewTerminalDialog }) => ({ default: NewTerminalDialog })),
);
export const SaveImageDialog = lazy(() =>
  import("../features/containers/save-image-dialog.tsx").then(({ SaveImageDialog }) => ({ default: SaveImageDialog })),
);
export const SettingsPage = lazy(() =>
  import("../features/settings/settings-page.tsx").then(({ SettingsPage }) => ({ default: SettingsPage })),
);
export const ShortcutsDialog = lazy(() =>
  import("../features/settings/shortcuts-dialog.tsx").then(({ ShortcutsDialog }) => ({ default: ShortcutsDialog })),
);
export const TasksPage = lazy(() => import("../features/tasks/tasks-page.tsx").then(({ TasksPage }) => ({ default: TasksPage })));
export const TerminalsPage = lazy(() =>
  import("../features/terminal/terminals-page.tsx").then(({ TerminalsPage }) => ({ default: TerminalsPage })),
);
export const TerminalWindowPage = lazy(() =>
  import("./terminal-window-page.tsx").then(({ TerminalWindowPage }) => ({ default: TerminalWindowPage })),
);
export const TryDialog = lazy(() => import("../features/terminal/try-dialog.tsx").then(({ TryDialog }) => ({ default: TryDialog })));
