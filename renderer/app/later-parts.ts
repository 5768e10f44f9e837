import { later } from "./later.ts";

/** Pages and dialogs that are loaded when they are first shown: the list of containers is there sooner, and the page takes less memory. */
export const AcceptRiskDialog = later(() =>
  import("../features/security/accept-risk-dialog.tsx").then(({ AcceptRiskDialog }) => AcceptRiskDialog),
);
export const ComparePage = later(() => import("../features/metrics/compare-page.tsx").then(({ ComparePage }) => ComparePage));
export const ContainerRoute = later(() => import("./container-route.tsx").then(({ ContainerRoute }) => ContainerRoute));
export const CreateDialog = later(() => import("../features/containers/create-dialog.tsx").then(({ CreateDialog }) => CreateDialog));
export const DeleteImageDialog = later(() =>
  import("../features/images/delete-image-dialog.tsx").then(({ DeleteImageDialog }) => DeleteImageDialog),
);
export const DeleteReadyImageDialog = later(() =>
  import("../features/images/delete-ready-image-dialog.tsx").then(({ DeleteReadyImageDialog }) => DeleteReadyImageDialog),
);
export const FixDialog = later(() => import("../features/host/fix-dialog.tsx").then(({ FixDialog }) => FixDialog));
export const FixStartDialog = later(() =>
  import("../features/containers/fix-start-dialog.tsx").then(({ FixStartDialog }) => FixStartDialog),
);
export const HardenDialog = later(() => import("../features/security/harden-dialog.tsx").then(({ HardenDialog }) => HardenDialog));
export const HostMetrics = later(() => import("../features/metrics/host-metrics.tsx").then(({ HostMetrics }) => HostMetrics));
export const HostPage = later(() => import("../features/host/host-page.tsx").then(({ HostPage }) => HostPage));
export const ImagesPage = later(() => import("../features/images/images-page.tsx").then(({ ImagesPage }) => ImagesPage));
export const KeepDialog = later(() => import("../features/containers/keep-dialog.tsx").then(({ KeepDialog }) => KeepDialog));
export const NewTerminalDialog = later(() =>
  import("../features/terminal/new-terminal-dialog.tsx").then(({ NewTerminalDialog }) => NewTerminalDialog),
);
export const SaveImageDialog = later(() =>
  import("../features/containers/save-image-dialog.tsx").then(({ SaveImageDialog }) => SaveImageDialog),
);
export const SecurityPage = later(() => import("../features/security/security-page.tsx").then(({ SecurityPage }) => SecurityPage));
export const SettingsPage = later(() => import("../features/settings/settings-page.tsx").then(({ SettingsPage }) => SettingsPage));
export const ShortcutsDialog = later(() =>
  import("../features/settings/shortcuts-dialog.tsx").then(({ ShortcutsDialog }) => ShortcutsDialog),
);
export const SoftenDialog = later(() => import("../features/security/soften-dialog.tsx").then(({ SoftenDialog }) => SoftenDialog));
export const TasksPage = later(() => import("../features/tasks/tasks-page.tsx").then(({ TasksPage }) => TasksPage));
export const TerminalsPage = later(() => import("../features/terminal/terminals-page.tsx").then(({ TerminalsPage }) => TerminalsPage));
export const TerminalWindowPage = later(() => import("./terminal-window-page.tsx").then(({ TerminalWindowPage }) => TerminalWindowPage));
export const TryDialog = later(() => import("../features/terminal/try-dialog.tsx").then(({ TryDialog }) => TryDialog));
