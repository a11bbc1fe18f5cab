import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { exitCodes } from "../../src/cli/exit-codes.js";
import { brokenModel, folderWith, goodModel, lvmc, repository } from "./harness.js";

const models = readdirSync(join(repository, "models")).map((name) => `models/${name}`);

describe("check", () => {
  it("accepts every model that ships", async () => {
    const { code, out, err } = await lvmc(["check", ...models]);
    expect(err).toBe("");
    expect(code).toBe(exitCodes.ok);
    expect(out.split("\n").filter((line) => line.startsWith("✓"))).toHaveLength(models.length);
  });

  it("checks the other files after a broken and a missing one, with the worst exit code", async () => {
    const cwd = folderWith({ "good.lvm": goodModel, "broken.lvm": brokenModel });
    const { code, out, err } = await lvmc(["check", "absent.lvm", "broken.lvm", "good.lvm"], { cwd });
    expect(code).toBe(exitCodes.usage);
    expect(err).toContain("absent.lvm: there is no such file");
    expect(err).toContain("broken.lvm:3:");
    expect(out).toContain("✓ good.lvm: m");
  });

  it("counts errors and warnings", async () => {
    expect((await lvmc(["check", "test/errors/ten-mistakes.lvm"])).out).toBe("✗ test/errors/ten-mistakes.lvm: 9 errors, 1 warning\n");
    expect((await lvmc(["check", "test/errors/relaxed-label-compared.lvm"])).out).toBe("✓ test/errors/relaxed-label-compared.lvm: m, 1 warning\n");
  });

  it("suggests the file that was probably meant", async () => {
    expect((await lvmc(["check", "models/vea.lvm"])).err).toContain("did you mean models/vae.lvm?");
  });

  it("takes any file name, and lets none speak to the terminal", async () => {
    const names = ["two words.lvm", "é–中.lvm", "a\nb.lvm", "\u001b[31mred.lvm", "-dash.lvm", "it's $HOME.lvm"];
    const cwd = folderWith(Object.fromEntries(names.flatMap((name) => [[name, goodModel], [`x${name}`, brokenModel]])));
    for (const name of names) {
      const good = await lvmc(["check", "--", name], { cwd });
      expect(good.code, name).toBe(exitCodes.ok);
      const broken = await lvmc(["check", "--", `x${name}`], { cwd });
      expect(broken.code, name).toBe(exitCodes.model);
      expect(good.out + broken.out + broken.err).not.toMatch(/[\u001b]/);
      expect((await lvmc(["check", "--json", "--", `x${name}`], { cwd })).lines[0]).toMatchObject({ range: { file: `x${name}` } });
    }
  });

  it("refuses what is no regular file without waiting for it", async () => {
    for (const path of [".", "/dev/zero", "a\0b"]) expect((await lvmc(["check", path])).code).toBe(exitCodes.usage);
  });

  it("colours only for a terminal, and never under NO_COLOR", async () => {
    const cwd = folderWith({ "broken.lvm": brokenModel });
    const escape = "\u001b[";
    expect((await lvmc(["check", "broken.lvm"], { cwd })).err).not.toContain(escape);
    expect((await lvmc(["check", "broken.lvm"], { cwd, tty: true })).err).toContain(escape);
    expect((await lvmc(["check", "broken.lvm"], { cwd, tty: true, env: { NO_COLOR: "1" } })).err).not.toContain(escape);
    expect((await lvmc(["check", "broken.lvm"], { cwd, env: { FORCE_COLOR: "1" } })).err).toContain(escape);
  });
});

describe("--set", () => {
  it("replaces constants, and says what is wrong with the name or the value", async () => {
    const cwd = folderWith({ "m.lvm": goodModel });
    expect((await lvmc(["check", "m.lvm", "--set", "WIDTH=3"], { cwd })).code).toBe(exitCodes.ok);
    const unknown = await lvmc(["check", "m.lvm", "--set", "WIDHT=3"], { cwd });
    expect(unknown.code).toBe(exitCodes.model);
    expect(unknown.err).toContain("did you mean `WIDTH`?");
    expect((await lvmc(["check", "m.lvm", "--set", "WIDTH=0"], { cwd })).code).toBe(exitCodes.model);
    expect((await lvmc(["check", "m.lvm", "--set", "WIDTH=1e999"], { cwd })).code).toBe(exitCodes.model);
    expect((await lvmc(["check", "m.lvm", "--set", "WIDTH=99999999999"], { cwd })).code).toBe(exitCodes.model);
  });

  it.each(["WIDTH", "=3", "WIDTH=", "WID TH=3", "3=3", ""])("refuses %j as usage", async (text) => {
    const cwd = folderWith({ "m.lvm": goodModel });
    expect((await lvmc(["check", "m.lvm", "--set", text], { cwd })).code).toBe(exitCodes.usage);
  });

  it("gives names of JavaScript's own objects no meaning", async () => {
    const cwd = folderWith({ "m.lvm": goodModel });
    for (const name of ["__proto__", "constructor", "toString", "hasOwnProperty"]) {
      const { code, err } = await lvmc(["check", "m.lvm", "--set", `${name}=1`], { cwd });
      expect(code, name).toBe(exitCodes.model);
      expect(err).toContain(name);
    }
    expect(({} as Record<string, unknown>)["1"]).toBeUndefined();
  });

  it("refuses the same name twice", async () => {
    expect((await lvmc(["check", "models/vae.lvm", "--set", "LATENT=1", "--set", "LATENT=2"])).code).toBe(exitCodes.usage);
  });
});

describe("imports", () => {
  const network = "network scaled(x: real) -> (y: real) {\n  y = 2 * x\n}\n";
  const importing = (path: string): string => `import scaled from "${path}"\nmodel m(x: real) {\n  global z: real ~ Normal(0, 1)\n  x ~ Normal(scaled(z), 1)\n}\nguide m { auto mean_field z }\n`;

  it("are read by relative paths, upwards and through links too", async () => {
    const cwd = folderWith({ "nets.lvm": network });
    mkdirSync(join(cwd, "sub"));
    symlinkSync(join(cwd, "nets.lvm"), join(cwd, "linked.lvm"));
    writeFileSync(join(cwd, "sub", "m.lvm"), importing("../nets.lvm"));
    writeFileSync(join(cwd, "n.lvm"), importing("linked.lvm"));
    const { code, err } = await lvmc(["check", "sub/m.lvm", "n.lvm"], { cwd });
    expect(err).toBe("");
    expect(code).toBe(exitCodes.ok);
  });

  it("are refused as absolute paths and addresses, and where nothing is", async () => {
    const cwd = folderWith({ "nets.lvm": network });
    for (const path of [join(cwd, "nets.lvm"), "file:///etc/hosts", "https://example.org/nets.lvm", "~/nets.lvm", "absent.lvm", "../../../../../../dev/zero"]) {
      writeFileSync(join(cwd, "m.lvm"), importing(path));
      const { code, err } = await lvmc(["check", "m.lvm"], { cwd });
      expect(code, path).toBe(exitCodes.model);
      expect(err).toContain("LVM2012");
    }
  });

  it("are copied into the run's folder, so that the run can be read without the originals", async () => {
    const cwd = folderWith({ "nets.lvm": network, "data.csv": "x\n1\n2\n3\n4\n" });
    mkdirSync(join(cwd, "sub"));
    writeFileSync(join(cwd, "sub", "nets.lvm"), importing("../nets.lvm"));
    const trained = await lvmc(["train", "sub/nets.lvm", "--data", "data.csv", "--epochs", "2", "--json"], { cwd });
    expect(trained.code).toBe(exitCodes.ok);
    const folder = String(trained.lines.at(-1)?.["run"]);
    expect(readdirSync(folder)).toEqual(expect.arrayContaining(["nets.lvm", "nets-2.lvm", "config.json"]));
    writeFileSync(join(cwd, "nets.lvm"), "broken");
    expect((await lvmc(["eval", folder, "--data", "data.csv"], { cwd })).code).toBe(exitCodes.ok);
  });
});

describe("compile", () => {
  it("writes TypeScript, or prints it", async () => {
    const cwd = folderWith();
    const { code } = await lvmc(["compile", join(repository, "models/vae.lvm"), "-o", "vae.ts"], { cwd });
    expect(code).toBe(exitCodes.ok);
    const text = readFileSync(join(cwd, "vae.ts"), "utf8");
    expect(text).toContain("export async function create(");
    expect(text).toContain('from "lvmc/runtime"');
    const printed = await lvmc(["compile", "models/vae.lvm", "--target", "tfjs"]);
    expect(printed.out).toContain("export async function create(");
    expect(printed.out).toContain('from "lvmc/runtime/tfjs"');
  });

  it("takes the devices of a module with commas, and one to print", async () => {
    const { code, out } = await lvmc(["compile", "models/regression.lvm", "--device", "webgpu, wasm"]);
    expect(code).toBe(exitCodes.ok);
    expect(out).toContain('devices: ["wasm", "webgpu"],');
    for (const part of ["@compute", "module: `"]) expect(out).toContain(part);
    const unknown = await lvmc(["compile", "models/regression.lvm", "--device", "wasm,cuda"]);
    expect(unknown.code).toBe(exitCodes.usage);
    expect(unknown.err).toContain('There is no "cuda"; kernels are for native, wasm, webgpu');
    expect((await lvmc(["compile", "models/regression.lvm", "--emit", "kernels", "--device", "webgpu"])).code).toBe(exitCodes.ok);
    expect((await lvmc(["compile", "models/regression.lvm", "--emit", "kernels", "--device", "wasm,webgpu"])).code).toBe(exitCodes.usage);
  });

  it.each([
    ["ast", '"kind": "module"'],
    ["model", '"name": "vae"'],
    ["objective", "reconstruction.x"],
    ["tensor", "program "],
  ])("prints the stage %s", async (stage, part) => {
    const { code, out } = await lvmc(["compile", "models/vae.lvm", "--emit", stage]);
    expect(code).toBe(exitCodes.ok);
    expect(out).toContain(part);
  });

  it("never writes over the model", async () => {
    const cwd = folderWith({ "m.lvm": goodModel });
    expect((await lvmc(["compile", "m.lvm", "-o", "./m.lvm"], { cwd })).code).toBe(exitCodes.usage);
    expect(readFileSync(join(cwd, "m.lvm"), "utf8")).toBe(goodModel);
  });

  it("reports a folder that is not there as an output that cannot be written", async () => {
    expect((await lvmc(["compile", "models/vae.lvm", "-o", "/nowhere/at/all/vae.ts"])).code).toBe(exitCodes.data);
  });

  it("asks which of several models is meant", async () => {
    const two = `${goodModel}\n${goodModel.replace("const WIDTH = 2", "").replaceAll(/\b(model|guide|train) m\b/g, "$1 n")}`;
    const cwd = folderWith({ "two.lvm": two, "none.lvm": "const A = 1\n" });
    const unsaid = await lvmc(["compile", "two.lvm"], { cwd });
    expect(unsaid.code).toBe(exitCodes.model);
    expect(unsaid.err).toContain("LVM2018");
    expect((await lvmc(["compile", "two.lvm", "--model", "n", "--rows", "20"], { cwd })).code).toBe(exitCodes.ok);
    expect((await lvmc(["compile", "two.lvm", "--model", "nn"], { cwd })).err).toContain("LVM2017");
    expect((await lvmc(["compile", "none.lvm"], { cwd })).err).toContain("LVM2019");
  });
});

describe("explain", () => {
  it("shows the derived objective in three forms", async () => {
    expect((await lvmc(["explain", "objective", "models/vae.lvm"])).out).toContain("reconstruction.x");
    expect((await lvmc(["explain", "models/vae.lvm"])).out).toContain("reconstruction.x");
    expect((await lvmc(["explain", "objective", "models/vae.lvm", "--latex"])).out).toContain("\\");
    expect((await lvmc(["explain", "objective", "models/vae.lvm", "--mathml"])).out).toContain("<math");
    expect((await lvmc(["explain", "objective", "models/beta_vae.lvm", "--evaluation"])).out).toContain("evaluation");
  });

  it("explains codes, in either case, and suggests the nearest for one that is none", async () => {
    expect((await lvmc(["explain", "LVM3004"])).out).toContain("shape mismatch");
    expect((await lvmc(["explain", "lvm3004"])).code).toBe(exitCodes.ok);
    expect((await lvmc(["explain", "3004"])).code).toBe(exitCodes.ok);
    expect((await lvmc(["explain", "LVM0000"])).code).toBe(exitCodes.usage);
  });

  it("refuses more than one thing", async () => {
    for (const args of [["objective"], ["a", "b"], ["objective", "a", "b"], ["objective", "models/vae.lvm", "--latex", "--mathml"]]) {
      expect((await lvmc(["explain", ...args])).code).toBe(exitCodes.usage);
    }
  });
});

describe("fmt", () => {
  it("--check tells, changes nothing and exits 1; fmt changes; then --check is content", async () => {
    const untidy = goodModel.replace("  z: real", "      z  :  real");
    const cwd = folderWith({ "m.lvm": untidy });
    const told = await lvmc(["fmt", "--check", "m.lvm"], { cwd });
    expect(told.code).toBe(exitCodes.model);
    expect(told.out).toContain("m.lvm is not formatted");
    expect(readFileSync(join(cwd, "m.lvm"), "utf8")).toBe(untidy);
    expect((await lvmc(["fmt", "m.lvm"], { cwd })).code).toBe(exitCodes.ok);
    expect(readFileSync(join(cwd, "m.lvm"), "utf8")).toBe(goodModel);
    expect((await lvmc(["fmt", "--check", "m.lvm"], { cwd })).code).toBe(exitCodes.ok);
  });

  it("leaves a broken file alone", async () => {
    const cwd = folderWith({ "m.lvm": "model m(x: real {" });
    expect((await lvmc(["fmt", "m.lvm"], { cwd })).code).toBe(exitCodes.model);
    expect(readFileSync(join(cwd, "m.lvm"), "utf8")).toBe("model m(x: real {");
  });

  it("finds the models that ship formatted", async () => {
    expect((await lvmc(["fmt", "--check", ...models])).out).toBe("");
  });
});

describe("init", () => {
  it("writes a model that checks, and never writes over anything", async () => {
    const cwd = folderWith();
    expect((await lvmc(["init", "new/project"], { cwd })).code).toBe(exitCodes.ok);
    expect((await lvmc(["check", "new/project/vae.lvm"], { cwd })).code).toBe(exitCodes.ok);
    expect(readFileSync(join(cwd, "new/project/README.md"), "utf8")).toContain("lvmc train vae.lvm");
    expect((await lvmc(["init", "new/project"], { cwd })).code).toBe(exitCodes.usage);

    const other = folderWith({ "README.md": "mine" });
    expect((await lvmc(["init"], { cwd: other })).code).toBe(exitCodes.usage);
    expect(readFileSync(join(other, "README.md"), "utf8")).toBe("mine");
    expect(existsSync(join(other, "vae.lvm"))).toBe(false);
  });
});

describe("usage", () => {
  it.each([[["nothing"]], [["check"]], [["train"]], [["train", "models/vae.lvm", "--epochs", "0"]], [["train", "models/vae.lvm", "--rate", "-1"]], [["train", "models/vae.lvm", "--batch", "1.5"]], [["compile", "models/vae.lvm", "--target", "cobol"]], [["check", "models/vae.lvm", "--colour"]], [["train", "--resume", "runs/nothing"]], [["eval", "models/vae.lvm"]], [["sample", "models/vae.lvm", "--run", "absent"]], [["sample", "runs/x", "-o", "a.bmp"]]])("%j exits 2", async (args) => {
    const { code, err } = await lvmc(args);
    expect(code).toBe(exitCodes.usage);
    expect(err).not.toBe("");
  });

  it("help and version exit 0", async () => {
    for (const args of [["--help"], ["help"], ["help", "train"], ["train", "--help"], ["--version"]]) {
      const { code, out } = await lvmc(args);
      expect(code).toBe(exitCodes.ok);
      expect(out).not.toBe("");
    }
  });

  it("a plain lvmc shows the commands and exits 2", async () => {
    expect((await lvmc([])).code).toBe(exitCodes.usage);
  });
});

describe("the head of the emitted module", () => {
  it("writes lvmc's version at the head of the module", async () => {
    const { version } = JSON.parse(readFileSync(join(repository, "package.json"), "utf8")) as { version: string };
    const { out } = await lvmc(["compile", "models/vae.lvm"]);
    expect(out.split("\n")[1]).toBe(` * models/vae.lvm, model vae, compiled by lvmc ${version}. Edit the model, not this file.`);
  });
});
