import { ProblemError } from "../contract/problems.ts";
import { idsPerContainer } from "./idmap.ts";
import { lookInside, readStart } from "./look-inside.ts";

/** Who an application runs as, inside. */
export type ImageUser = {
  uid: number;
  gid: number;
  /** Absent where the image does not know the user. */
  home?: string;
  /** Its name, where the image has it in more groups than that one. */
  memberName?: string;
};

const maxFileBytes = 1024 * 1024;
/** The kernel's last number is none of a user. */
const maxIds = 0xffff_ffff;

/**
 * Finds the user that an application's image or a person names, as Docker does: names are those of the image's own files, a number
 * need not be in them, and where no group is named it is the user's first one, with all others that the user is in.
 * @param user `NAME`, `NUMBER`, and after a colon a group of either kind; empty is root.
 * @param image Whether its containers have only so many ids.
 * @throws ProblemError `invalid-request` where there is no such user or group.
 */
export function findImageUser(rootfs: string, user: string, { unprivileged }: { unprivileged: boolean }): ImageUser {
  const ids = unprivileged ? idsPerContainer : maxIds;
  const [named = "", group] = (user === "" ? "0" : user).split(":");
  const users = readFields(rootfs, "etc/passwd", 7);
  const entry = users.find(([name, , uid]) => (isNumber(named) ? uid === named : name === named));
  if (!entry && !isNumber(named)) throw unknown(`The image has no user ${named}.`);
  const uid = numberOf(entry?.[2] ?? named, ids);
  const gid = group === undefined ? numberOf(entry?.[3] ?? "0", ids) : findGroup(rootfs, group, ids);
  const home = entry?.[5];
  const name = entry?.[0] ?? "";
  const isMember = group === undefined && isInOtherGroups(rootfs, name, gid, ids);
  if (isMember && (users.find(([other]) => other === name) !== entry || name.startsWith("-"))) {
    throw unknown(`The groups of ${named} cannot be told: its name, ${name}, is not its own. Say which group it runs in: ${uid}:${gid}`);
  }
  return { uid, gid, ...(home?.startsWith("/") && { home }), ...(isMember && { memberName: name }) };
}

function isInOtherGroups(rootfs: string, name: string, gid: number, ids: number): boolean {
  const groups = readFields(rootfs, "etc/group", 4).filter(
    ([, , number = "", members = ""]) => isNumber(number) && members.split(",").includes(name),
  );
  return groups.some(([, , number = ""]) => numberOf(number, ids) !== gid);
}

function findGroup(rootfs: string, group: string, ids: number): number {
  if (isNumber(group)) return numberOf(group, ids);
  const entry = readFields(rootfs, "etc/group", 3).find(([name]) => name === group);
  if (!entry) throw unknown(`The image has no group ${group}.`);
  return numberOf(entry[2] ?? "", ids);
}

/** Lines of a file such as passwd(5), in their fields. */
function readFields(rootfs: string, path: string, fields: number): string[][] {
  const found = lookInside([rootfs], path);
  if (found?.type !== "file") return [];
  return readStart(found, maxFileBytes)
    .toString("utf8")
    .split("\n")
    .map((line) => line.split(":"))
    .filter(({ length }) => length >= fields);
}

function isNumber(text: string): boolean {
  return /^[0-9]+$/.test(text);
}

function numberOf(text: string, ids: number): number {
  const number = isNumber(text) ? Number(text) : Number.NaN;
  if (number < ids) return number;
  throw unknown(`${text} is not one of the ${ids} ids that a container has.`);
}

function unknown(message: string): ProblemError {
  return new ProblemError({ code: "invalid-request", issues: [{ path: "application.user", message }] });
}
