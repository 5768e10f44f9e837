import { UnicodeGraphemesAddon } from "@xterm/addon-unicode-graphemes";
import type { IUnicodeHandling, IUnicodeVersionProvider, Terminal } from "@xterm/xterm";

/** So many characters one place may be made of. The longest emoji has ten; a program may write a hundred thousand marks on one letter, which would stop the page. */
export const mostInOnePlace = 32;

/** Has a terminal know how wide emoji and what is written of several characters are. */
export function measureGraphemes({ unicode }: Pick<Terminal, "unicode">): void {
  const handling: IUnicodeHandling = {
    register: (provider) => unicode.register(limited(provider)),
    versions: unicode.versions,
    get activeVersion() {
      return unicode.activeVersion;
    },
    set activeVersion(version) {
      unicode.activeVersion = version;
    },
  };
  new UnicodeGraphemesAddon().activate({ unicode: handling } as Terminal);
}

/** The lowest bit of a character's properties says that it belongs to the one before (xterm.js, UnicodeService.createPropertyValue). */
const joins = 1;

function limited(provider: IUnicodeVersionProvider): IUnicodeVersionProvider {
  let joined = 0;
  return {
    version: provider.version,
    wcwidth: (codepoint) => provider.wcwidth(codepoint),
    charProperties(codepoint, preceding) {
      const properties = provider.charProperties(codepoint, preceding);
      joined = properties & joins ? joined + 1 : 0;
      return joined < mostInOnePlace ? properties : provider.charProperties(codepoint, 0) & ~joins;
    },
  };
}
