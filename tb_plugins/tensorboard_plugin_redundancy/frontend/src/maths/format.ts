// Numbers as text: four digits, no zeros behind them, powers of ten where they are shorter.

import { format } from "d3-format";

const fixed = format(".4~r");
const scientific = format(".3~e");
const grouped = format(",");

export function short(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1e6) return integer(value);
  return (size < 1e-3 || size >= 1e6 ? scientific(value) : fixed(value)).replaceAll("-", "−");
}

/** Three digits: for tables. */
export function brief(value: number): string {
  return Number.isFinite(value) && !Number.isInteger(value) ? short(Number(value.toPrecision(3))) : short(value);
}

export function integer(value: number): string {
  return (Number.isFinite(value) ? grouped(Math.round(value)) : short(value)).replaceAll("-", "−");
}

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

export function superscript(power: number): string {
  const digits = [...String(Math.abs(power))].map((digit) => SUPERSCRIPTS[Number(digit)]).join("");
  return power < 0 ? `⁻${digits}` : digits;
}

export function signed(value: number): string {
  return value > 0 ? `+${brief(value)}` : brief(value);
}

export function counted(count: number, one: string, many = `${one}s`): string {
  return `${integer(count)} ${count === 1 ? one : many}`;
}
