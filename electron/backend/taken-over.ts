/** Why a page's port is closed when another page takes its place. */
export const takenOver = "taken over by another page";
