/** Runs inside the virtual machine, as a person of it: an agent whose dialog is closed whenever polkit asks for what one process wants. */
import { startDismissingAgent } from "../app/polkit-agent.ts";

const agent = await startDismissingAgent(Number(process.argv[2]), ({ action }) => console.log(`dismissed ${action}`));
console.log("registered");
process.stdin.resume().on("end", () => void agent.close().then(() => process.exit(0)));
