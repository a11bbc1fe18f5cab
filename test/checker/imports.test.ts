import { describe, expect, it } from "vitest";
import { parse } from "../../src/parser/parse.js";
import { check } from "../../src/checker/check.js";
import type { ModelProgram } from "../../src/ir/model/model.js";
import { printType } from "../../src/types/type.js";

function checked(files: Readonly<Record<string, string>>, set?: Record<string, number>): { readonly programs: readonly ModelProgram[]; readonly messages: readonly string[] } {
  const module = parse({ path: "main.lvm", text: files["main.lvm"] ?? "" });
  const { value, diagnostics } = check(module.value, { set, load: (path) => (Object.hasOwn(files, path) ? { path, text: files[path] ?? "" } : undefined) });
  return { programs: value.programs, messages: [...module.diagnostics, ...diagnostics].map(({ code, primary }) => `${code} ${primary.span.source.path}`) };
}

const library = "const WIDTH = 3\nparam shift: real = 0\nnetwork block(x: real[2]) -> (y: real[WIDTH]) { y = x |> dense(WIDTH) }\nnetwork wrap(x: real[2]) -> (y: real[WIDTH]) {\n  y = block(x) + shift\n}\n";
const main = (head: string, value: string): string => `${head}\nmodel m(x: real[2], y: real[3]) { y ~ Normal(${value}, 1) }\n`;

describe("imports", () => {
  // Guards: an imported network brings what it calls and learns, and nothing else becomes visible.
  it("brings networks with all that they need", () => {
    const { programs, messages } = checked({ "lib.lvm": library, "main.lvm": main('import wrap from "lib.lvm"', "wrap(x)") });
    expect(messages).toEqual([]);
    expect(programs[0]?.networks.map(({ name }) => name)).toEqual(["lib.block", "wrap"]);
    expect(programs[0]?.parameters.map(({ name }) => name).sort()).toEqual(["lib.block.dense_1.bias", "lib.block.dense_1.kernel", "lib.shift"]);
    expect(checked({ "lib.lvm": library, "main.lvm": main('import wrap from "lib.lvm"', "block(x)") }).messages).toHaveLength(1);
  });

  // Guards: an inner network that is imported by name too is one network, whatever the order of the names.
  it("shares what is imported by name", () => {
    for (const names of ["wrap, block", "block, wrap"]) {
      const { programs, messages } = checked({ "lib.lvm": library, "main.lvm": main(`import ${names} from "lib.lvm"`, "wrap(x) + block(x)") });
      expect(messages).toEqual([]);
      expect(programs[0]?.networks.map(({ name }) => name)).toEqual(["block", "wrap"]);
    }
  });

  // Guards: inner networks of two files may have the same name; each call still means its own.
  it("keeps inner networks of the same name apart", () => {
    const { programs, messages } = checked({
      "lib.lvm": library,
      "main.lvm": main('import wrap from "lib.lvm"\nparam shift: real = 1\nnetwork block(x: real[2]) -> (y: real[3]) { y = x |> dense(5) |> dense(3) }', "wrap(x) + block(x) + shift"),
    });
    expect(messages).toEqual([]);
    const [program] = programs;
    expect(program?.networks.map(({ name }) => name).sort()).toEqual(["block", "lib.block", "wrap"]);
    const kernels = program?.parameters.map(({ name, type }) => `${name}: ${printType(type)}`) ?? [];
    expect(kernels).toContain("lib.block.dense_1.kernel: real[2, 3]");
    expect(kernels).toContain("block.dense_1.kernel: real[2, 5]");
    expect(kernels.filter((each) => /^(lib\.)?shift/.test(each))).toHaveLength(2);
    const wrap = program?.networks.find(({ name }) => name === "wrap");
    expect(JSON.stringify(wrap?.outputs, (key, value: unknown) => (key === "origin" || key === "why" || key === "type" ? undefined : value))).toContain('"network":"lib.block"');
  });

  // Guards: constants keep the scope of their file, and --set means the main file's first.
  it("--set reaches imported constants that the main file does not have", () => {
    const text = (head: string): string => `${head}import wrap from "lib.lvm"\nmodel m(x: real[2], y: real[5]) { y ~ Normal(wrap(x), 1) }\n`;
    expect(checked({ "lib.lvm": library, "main.lvm": text("") }, { WIDTH: 5 }).messages).toEqual([]);
    expect(checked({ "lib.lvm": library, "main.lvm": text("const WIDTH = 1\n") }, { WIDTH: 5 }).messages).toEqual(["LVM3004 main.lvm"]);
  });

  // Guards: constants and parameters can be imported by name.
  it("brings constants and parameters", () => {
    const { programs, messages } = checked({ "lib.lvm": library, "main.lvm": 'import WIDTH, shift from "lib.lvm"\nmodel m(x: real[WIDTH]) { x ~ Normal(shift, 1) }\n' });
    expect(messages).toEqual([]);
    expect(programs[0]?.parameters.map(({ name }) => name)).toEqual(["shift"]);
    expect(programs[0]?.columns.map(({ type }) => printType(type))).toEqual(["real[3]"]);
  });

  // Guards: a mistake in an imported file is reported there, once, however often the file is imported.
  it("reports mistakes of an imported file once, in that file", () => {
    const broken = library.replace("dense(WIDTH)", "dens(WIDTH)");
    const { messages } = checked({ "lib.lvm": broken, "other.lvm": 'import wrap from "lib.lvm"\nnetwork twice(x: real[2]) -> (y: real[3]) { y = wrap(x) * 2 }\n', "main.lvm": main('import wrap from "lib.lvm"\nimport twice from "other.lvm"', "wrap(x) + twice(x)") });
    expect(messages).toEqual(["LVM2004 lib.lvm"]);
  });
});
