// Only this module uses Vega: it draws the plots of bench/results as SVG, and
// needs no browser for that.
import { parse, View } from "vega";
import { compile, type TopLevelSpec } from "vega-lite";

/** The look of all plots. They are opaque, so they suit dark pages, too. */
const CONFIG: NonNullable<TopLevelSpec["config"]> = {
  // Readers of a page get its text for the image instead.
  aria: false,
  background: "white",
  padding: 12,
  font: "system-ui, sans-serif",
  view: { stroke: null },
  axis: {
    domainColor: "#888",
    gridColor: "#e5e5e5",
    labelColor: "#444",
    tickColor: "#888",
    titleColor: "#444",
    titleFontWeight: "normal",
  },
  header: { labelColor: "#444", title: null },
  legend: { labelColor: "#222", labelLimit: 200, title: null },
  title: {
    anchor: "start",
    color: "#222",
    subtitleColor: "#666",
    offset: 12,
  },
};

/** Draws a plot; the same specification always gives the same SVG. */
export async function render(spec: TopLevelSpec): Promise<string> {
  const view = new View(parse(compile(spec, { config: CONFIG }).spec), {
    renderer: "none",
  });
  try {
    return `${await view.toSVG()}\n`;
  } finally {
    view.finalize();
  }
}
