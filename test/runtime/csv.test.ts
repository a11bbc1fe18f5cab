import { existsSync, readdirSync, readFileSync } from "node:fs";
import { parse } from "csv-parse/sync";
import { describe, expect, it } from "vitest";
import { scanCsv } from "../../src/runtime/data/csv-cells.js";
import { createRandom, createStream, readCsv } from "../../src/runtime/index.js";
import { text } from "./files.js";
import { failure } from "./lvm-error.js";

const hostile = new URL("../../../shared/data/hostile/csv/", import.meta.url);
const read = (csv: string): ReturnType<typeof readCsv> => readCsv(text(csv), "d.csv");

function cells(csv: string): string[][] {
  const rows: string[][] = [];
  scanCsv(csv, ",", "d.csv", (row) => rows.push([...row]));
  return rows;
}

describe("CSV", () => {
  it("gives one column a name; whole numbers are integers, an empty cell is missing", () => {
    const [a, b, c] = read("a,b,c\n1,0.5,\r\n2,-1e3,3\n");
    expect(a).toMatchObject({ name: "a", rows: 2, shape: [], values: Int32Array.of(1, 2), missing: "none", origin: "d.csv, column 1" });
    expect(b).toMatchObject({ values: Float32Array.of(0.5, -1000), missing: "none" });
    expect(c).toMatchObject({ values: Float32Array.of(NaN, 3), missing: "marked" });
  });

  it("joins x[1] x[2] and x_0 x_1 to vectors, in the order of their numbers, and leaves other names alone", () => {
    expect(read("x[2],y,x[1]\n2,9,1\n4,9,3\n")).toMatchObject([{ name: "x", shape: [2], values: Int32Array.of(1, 2, 3, 4), origin: "d.csv, columns 1 to 3" }, { name: "y" }]);
    expect(read("x_0,x_1\n1,2\n")).toMatchObject([{ name: "x", shape: [2] }]);
    expect(read("x_1,x_3\n1,2\n").map((column) => column.name)).toEqual(["x_1", "x_3"]);
    expect(read("x_1\n1\n").map((column) => column.name)).toEqual(["x_1"]);
    expect(read("x,x_1,x_2\n1,2,3\n").map((column) => column.name)).toEqual(["x", "x_1", "x_2"]);
  });

  it("takes tabs and semicolons where the header has no comma, a byte order mark, and quoted cells", () => {
    expect(read("\ufeff\"a\";b\n1;2\n").map((column) => column.name)).toEqual(["a", "b"]);
    expect(read("a\tb\n1\t2\n").map((column) => [...column.values])).toEqual([[1], [2]]);
  });

  it.each([
    ["a,b\n1,2\n3\n", "d.csv: row 2 (line 3) has 1 cell; the header has 2"],
    ["a,b\n1,2,3\n", "d.csv: row 1 (line 2) has 3 cells; the header has 2"],
    ["a,b\n1,x\n", 'd.csv: row 1 (line 2), column b: "x" is not a number\nhelp: a missing value is an empty cell; numbers have a decimal point and no thousands separator'],
    ["a,b\n\"1\n\n2\",3\n", 'd.csv: row 1 (line 2), column a: "1\\n\\n2" is not a number\nhelp: a missing value is an empty cell; numbers have a decimal point and no thousands separator'],
    ["a,b\n1,1e39\n", 'd.csv: row 1 (line 2), column b: "1e39" does not fit into float32\nhelp: a missing value is an empty cell; numbers have a decimal point and no thousands separator'],
    ["a,b,a\n1,2,3\n", "d.csv: columns 1 and 3 have the same name a"],
    ["a,,b\n1,2,3\n", "d.csv: column 2 has no name in the header"],
    ["1,2\n3,4\n", "d.csv: the first row holds numbers (1, 2 …), where the column names belong\nhelp: write a first line with a name for each column"],
    ["", "d.csv: no header: the file is empty"],
    ["\n\n", "d.csv: no header: the file is empty"],
    ["a,b\n", "d.csv: a header and no rows"],
    ["a,b\n\"1,2\n", 'd.csv: row 1 (line 2), column 1: the quote that opens it is never closed\nhelp: a cell that holds a quote is written in quotes, with the quote doubled: "say ""hi"""'],
    ["a,b\n1,\"2\"3\n", 'd.csv: row 1 (line 2), column 2: "3" follows its closing quote\nhelp: a cell that holds a quote is written in quotes, with the quote doubled: "say ""hi"""'],
  ])("%j is refused with its place", (csv, message) => {
    expect(failure("LVM7009", () => read(csv))).toBe(message);
  });

  it("does not take JavaScript's other spellings for numbers", () => {
    for (const cell of ["0x10", "0b1", "Infinity", "NaN", "1_000", "1,0", "--1", "1e", ".", "١"]) expect(() => read(`a,b\n1,"${cell}"\n`), cell).toThrow(/is not a number/);
    expect(read("a,b\n+1., .5e-1 \n").map((column) => [...column.values])).toEqual([[1], [Math.fround(0.05)]]);
  });

  it("refuses text that is not UTF-8", () => {
    expect(failure("LVM7009", () => readCsv(Uint8Array.of(0x61, 0x0a, 0xff, 0xfe), "d.csv"))).toContain("not UTF-8");
    expect(failure("LVM7009", () => readCsv(new Uint8Array(Buffer.from("\ufeffa\n1\n", "utf16le")), "d.csv"))).toContain("UTF-16");
  });

  it("splits into the cells that csv-parse finds, over 2000 random texts", () => {
    const random = createStream(createRandom(4).key(0));
    const pieces = ["a", "1", "", '"x, y"', '"line\nbreak"', '"say ""hi"""', '""', "é", " b "];
    for (let round = 0; round < 2000; round++) {
      const width = 2 + random.integer(3);
      const end = ["\n", "\r\n", "\r"][random.integer(3)]!;
      const rows = Array.from({ length: 1 + random.integer(4) }, () => Array.from({ length: width }, () => pieces[random.integer(pieces.length)]!).join(","));
      const csv = rows.join(end) + (random.uniform() < 0.5 ? end : "");
      expect(cells(csv), JSON.stringify(csv)).toEqual(parse(csv, { record_delimiter: end }));
    }
  });

  it.skipIf(!existsSync(hostile))("finds the cells of the published edge cases, and reads or refuses each with its place", () => {
    for (const name of readdirSync(new URL("csvs/", hostile)).filter((file) => file.endsWith(".csv"))) {
      const csv = readFileSync(new URL(`csvs/${name}`, hostile), "utf8");
      const expected = JSON.parse(readFileSync(new URL(`json/${name.replace(".csv", ".json")}`, hostile), "utf8")) as Record<string, string>[];
      const [header = [], ...rows] = cells(csv);
      const normalized = rows.map((row) => Object.fromEntries(row.map((cell, i) => [header[i]!, cell.replaceAll("\r\n", "\n")])));
      expect(normalized, name).toEqual(expected);
      try {
        expect(readCsv(text(csv), name)[0]!.rows).toBe(rows.length);
      } catch (error) {
        expect(String(error)).toMatch(/LvmError: .*row \d+ \(line \d+\), column/);
      }
    }
  });
});
