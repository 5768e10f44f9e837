import { type BrowserWindow, Notification } from "electron";

/** At most so many are remembered; a desktop shows fewer. */
const maxShown = 20;

/**
 * Shows notifications of the desktop. A click on one brings the window to the front.
 * @param window The app's window; undefined while there is none.
 */
export function createNotify(window: () => BrowserWindow | undefined): (notification: { title: string; body: string }) => void {
  // One that nobody holds is forgotten by the garbage collector, and its click with it.
  const shown = new Set<Notification>();
  return ({ title, body }) => {
    if (!Notification.isSupported()) return;
    const notification = new Notification({ title, body });
    const forget = () => shown.delete(notification);
    notification.on("click", () => {
      forget();
      const front = window();
      if (!front || front.isDestroyed()) return;
      if (front.isMinimized()) front.restore();
      front.focus();
    });
    notification.on("close", forget);
    notification.on("failed", forget);
    const [oldest] = shown;
    if (oldest && shown.size >= maxShown) shown.delete(oldest);
    shown.add(notification);
    notification.show();
  };
}
