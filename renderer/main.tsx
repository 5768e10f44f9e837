import "@mantine/core/styles.css";
import "@mantine/notifications/styles.css";
import "./styles.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app/app.tsx";
import { openConnection } from "./state/connection.ts";

// All of it has come; index.html counts how often it has not.
sessionStorage.removeItem("lxc-desktop-cut-off");
void openConnection();
const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
}
