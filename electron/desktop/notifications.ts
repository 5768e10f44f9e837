import { BrowserWindow, Notification } from "electron";

/** At most so many are remembered; a desktop shows fewer. */
const maxShown = 20;
/** One that nobody holds is taken by the garbage collector, and its click with it. */
const shown = new Set<Notification>();

/** Shows a notification of the desktop. A click on it brings the app's window to the front. */
export function showNotification({ title, body }: { title: string; body: string }): undefined {
  if (!Notification.isSupported()) return;
  const notification = new Notification({ title, body });
  const forget = () => shown.delete(notification);
  notification.on("click", () => {
    forget();
    const [window] = BrowserWindow.getAllWindows();
    if (window?.isMinimized()) window.restore();
    window?.focus();
  });
  notification.on("close", forget);
  notification.on("failed", forget);
  const [oldest] = shown;
  if (oldest && shown.size >= maxShown) shown.delete(oldest);
  shown.add(notification);
  notification.show();
}
