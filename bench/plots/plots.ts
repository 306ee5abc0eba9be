import type { TopLevelSpec } from "vega-lite";
import type { Row } from "../measure.ts";
import { isBusy, type Report } from "../program.ts";
import { PEERS, POOL } from "../peers/peers.ts";

/** A plot of the rows of a report. */
export interface Plot {
  /** The name of its file, without the extension. */
  readonly name: string;
  readonly spec: TopLevelSpec;
}

/** A plot of figures by a number that is part of the names of rows. */
interface Kind {
  readonly name: string;
  readonly title: string;
  /** Matches names; the groups are `x`, `series` and perhaps `facet`. */
  readonly pattern: RegExp;
  /** The units of the rows that belong to it. */
  readonly unit: string;
  readonly x: Axis;
  readonly y: Axis;
}

interface Axis {
  readonly title: string;
  /** The base of a logarithmic scale; without it, the scale is linear. */
  readonly base?: number;
  /** A Vega expression for the label of a tick. */
  readonly label?: string;
}

/** A point of a line. */
interface Point {
  readonly series: string;
  readonly facet: string;
  readonly x: number;
  readonly y: number;
}

const CALLS_PER_SECOND: Axis = {
  title: "Calls per second",
  base: 10,
  label: "format(datum.value, '~s')",
};

const KINDS: readonly Kind[] = [
  {
    name: "task_length",
    title: "How many times as fast as one process, by length of the tasks",
    pattern: /^spin\/(?<x>\d+)\/(?<series>[^/]+)$/,
    unit: "×",
    x: {
      title: "Length of a task",
      base: 10,
      label:
        "datum.value < 1000 ? datum.value + ' µs' : datum.value / 1000 + ' ms'",
    },
    y: { title: "Times one process" },
  },
  {
    name: "payload",
    title: "Bytes per second, by size of the argument (in) or result (out)",
    pattern: /^payload\/(?<facet>in|out)\/(?<x>\d+)\/(?<series>[^/]+)$/,
    unit: "GB/s",
    x: {
      title: "Size of a value",
      base: 2,
      label: "datum.value < 1048576 ? datum.value / 1024 + ' KiB' : " +
        "datum.value / 1048576 + ' MiB'",
    },
    y: {
      title: "GB/s",
      base: 10,
      label: "format(datum.value, '~r')",
    },
  },
  {
    name: "workers",
    title: "Calls per second, by number of workers",
    pattern: /^workers\/(?<x>\d+)\/(?<series>[^/]+)$/,
    unit: "/s",
    x: { title: "Workers", base: 2 },
    y: CALLS_PER_SECOND,
  },
  {
    name: "connections",
    title: "Calls per second, by number of connected workers",
    pattern: /^scale\/(?<x>\d+)\/(?<series>bursts|loops-\d+)$/,
    unit: "/s",
    x: {
      title: "Connections",
      base: 2,
      label: "format(datum.value, ',')",
    },
    y: CALLS_PER_SECOND,
  },
];

/** The pool's colour, which is darker than all others. */
const POOL_COLOR = "#111111";

/** Colours of the others that can be told from each other. */
const COLORS = [
  "#1f77b4",
  "#aec7e8",
  "#ff7f0e",
  "#2ca02c",
  "#98df8a",
  "#9467bd",
  "#c5b0d5",
  "#d62728",
  "#ff9896",
  "#8c564b",
  "#e377c2",
  "#17becf",
  "#bcbd22",
];

const LABELS: Readonly<Record<string, string>> = { [POOL]: "@distex/pool" };

/** Returns the plots that the rows of a report suffice for. */
export function makePlots(report: Report): Plot[] {
  return KINDS.flatMap((kind) => {
    const points = report.rows.flatMap((row) => pointOf(kind, row));
    return points.length === 0
      ? []
      : [{ name: kind.name, spec: lines(kind, points, report) }];
  });
}

function pointOf({ pattern, unit }: Kind, row: Row): Point[] {
  const groups = row.name.match(pattern)?.groups;
  if (groups === undefined || row.value === null || row.unit !== unit) {
    return [];
  }
  const { series = "", facet = "", x } = groups;
  return [{
    series: LABELS[series] ?? series,
    facet,
    x: Number(x),
    y: row.value.median,
  }];
}

function lines(
  kind: Kind,
  points: readonly Point[],
  report: Report,
): TopLevelSpec {
  const series = inOrder(new Set(points.map((point) => point.series)));
  const facets = [...new Set(points.map(({ facet }) => facet))];
  const isPool = `datum.series === '${LABELS[POOL]}'`;
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    title: {
      text: kind.title,
      subtitle: describe(report),
    },
    data: { values: [...points] },
    width: facets.length > 1 ? 220 : 420,
    height: 240,
    mark: { type: "line", point: { size: 20 } },
    encoding: {
      x: {
        field: "x",
        type: "quantitative",
        scale: { ...scaleOf(kind.x), nice: false },
        axis: {
          ...axisOf(kind.x),
          grid: false,
          values: [...new Set(points.map(({ x }) => x))],
        },
      },
      y: {
        field: "y",
        type: "quantitative",
        scale: { ...scaleOf(kind.y), nice: true },
        axis: { ...axisOf(kind.y), ...ticksOf(kind.y, points) },
      },
      color: {
        field: "series",
        type: "nominal",
        scale: { domain: series, range: series.map(colorOf) },
      },
      strokeWidth: {
        condition: { test: isPool, value: 3 },
        value: 1.5,
      },
      ...facets.length > 1 &&
        { column: { field: "facet", type: "nominal", sort: facets } },
    },
  };
}

function describe({ machine, quick }: Report): string {
  const { cpu, cores, deno } = machine;
  return [
    `${cpu ?? "unknown CPU"}, ${cores} cores, Deno ${deno}`,
    ...quick ? ["a quick run, whose figures mean little"] : [],
    ...isBusy(machine) ? ["disturbed by other programs"] : [],
  ].join("; ");
}

function scaleOf({ base }: Axis) {
  return base === undefined ? { zero: true } : { type: "log" as const, base };
}

function axisOf({ title, label }: Axis) {
  return { title, ...label !== undefined && { labelExpr: label } };
}

/** Returns the ticks of a decimal logarithmic axis, which has too many others. */
function ticksOf({ base }: Axis, points: readonly Point[]) {
  if (base !== 10) return {};
  const values = points.map(({ y }) => y);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const ticks: number[] = [];
  const last = Math.ceil(Math.log10(high));
  for (let power = Math.floor(Math.log10(low)); power <= last; power++) {
    for (const factor of [1, 3]) ticks.push(Number(`${factor}e${power}`));
  }
  return { values: ticks };
}

/** Orders series: the peers as they are measured, then all others. */
function inOrder(series: ReadonlySet<string>): string[] {
  const peers = PEERS.map(({ name }) => LABELS[name] ?? name);
  return [
    ...peers.filter((name) => series.has(name)),
    ...[...series].filter((name) => !peers.includes(name)),
  ];
}

/** A peer has the same colour in each plot. */
function colorOf(series: string, index: number): string {
  if (series === LABELS[POOL]) return POOL_COLOR;
  const peer = PEERS.findIndex(({ name }) => name === series);
  return COLORS[(peer === -1 ? index : peer - 1) % COLORS.length]!;
}
