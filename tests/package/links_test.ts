import { assert } from "@std/assert";
import config from "../../deno.json" with { type: "json" };

const ROOT = new URL("../../", import.meta.url);

/** The paths of the published pages. */
const PAGES = [
  "README.md",
  "CHANGELOG.md",
  "bench/README.md",
  ...[...Deno.readDirSync(new URL("docs/", ROOT))].map(({ name }) =>
    `docs/${name}`
  ),
];

/** Finds the targets of a page's links. */
function linksOf(text: string): string[] {
  const matches = text.matchAll(/\]\(([^)\s]+)\)/g);
  return Array.from(matches, ([, target]) => target!);
}

/** Returns the anchor of a heading, as JSR and GitHub make it. */
function anchorOf(heading: string): string {
  return heading.toLowerCase().replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
    .replaceAll(/\s/g, "-");
}

function anchorsIn(text: string): string[] {
  const headings = text.matchAll(/^#{1,6} (.+)$/gm);
  return Array.from(headings, ([, heading]) => anchorOf(heading!));
}

function isPublished(path: string): boolean {
  return config.publish.include.some((included) =>
    path === included || path.startsWith(`${included}/`)
  );
}

for (const page of PAGES) {
  Deno.test(`links in ${page} lead to published files and headings`, async () => {
    const url = new URL(page, ROOT);
    const text = await Deno.readTextFile(url);
    assert(isPublished(page), `${page} isn't published`);
    for (const link of linksOf(text)) {
      if (URL.canParse(link)) continue;
      const target = new URL(link, url);
      const anchor = target.hash.slice(1);
      target.hash = "";
      const path = target.href.slice(ROOT.href.length);
      assert(isPublished(path), `${link} isn't published`);
      const { isFile } = await Deno.stat(target);
      if (anchor === "") continue;
      assert(isFile, `${link} isn't a file`);
      const anchors = anchorsIn(await Deno.readTextFile(target));
      assert(anchors.includes(anchor), `${link}: there are ${anchors}`);
    }
  });
}
