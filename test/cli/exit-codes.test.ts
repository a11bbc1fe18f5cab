import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { exitCodes } from "../../src/cli/exit-codes.js";
import { run } from "../../src/cli/run.js";
import { readSafetensors } from "../../src/runtime/index.js";
import { brokenModel, folderWith, goodModel, lvmc, repository, tinyVae } from "./harness.js";

const data = "x_1,x_2\n1,2\n3,4\n5,6\n7,8\n";

describe("exit codes", () => {
  it("are the documented ones", () => {
    expect(exitCodes).toEqual({ ok: 0, model: 1, usage: 2, data: 3, diverged: 4, device: 5, internal: 70, interrupted: 130 });
  });

  it("0: everything was done", async () => {
    expect((await lvmc(["check", "models/vae.lvm"])).code).toBe(0);
  });

  it("1: mistakes in the model", async () => {
    const cwd = folderWith({ "m.lvm": brokenModel });
    for (const command of ["check", "compile", "train", "explain"]) expect((await lvmc([command, "m.lvm"], { cwd })).code).toBe(1);
  });

  it("2: mistakes on the command line, data that is not named included", async () => {
    const cwd = folderWith({ "m.lvm": goodModel });
    const { code, err } = await lvmc(["train", "m.lvm"], { cwd });
    expect(code).toBe(2);
    expect(err).toContain("--data x=FILE");
  });

  it.each([
    ["a file that is not there", ["--data", "x=absent.npy"], "LVM7001"],
    ["a column of another shape", ["--data", "narrow.csv"], "LVM7022"],
    ["a column that is missing", ["--data", "other.csv"], "LVM7020"],
    ["a value that is missing", ["--data", "holes.csv"], "LVM7025"],
    ["built-in data that there is not", ["--data", "digitz(8)"], "LVM7040"],
    ["a folder for runs that cannot be made", ["--data", "data.csv", "--out", "data.csv"], "LVM7045"],
  ])("3: %s", async (_, args, message) => {
    const cwd = folderWith({ "m.lvm": goodModel, "data.csv": data, "narrow.csv": "x\n1\n2\n", "other.csv": "y_1,y_2\n1,2\n", "holes.csv": "x_1,x_2\n1,\n3,4\n" });
    const ran = await lvmc(["train", "m.lvm", ...args], { cwd });
    expect(ran.err).toContain(message);
    expect(ran.code).toBe(3);
  });

  it("3: a checkpoint that was cut off", async () => {
    const cwd = folderWith({ "m.lvm": goodModel, "data.csv": data });
    const trained = await lvmc(["train", "m.lvm", "--data", "data.csv", "--json"], { cwd });
    const path = String(trained.lines.at(-1)?.["checkpoint"]);
    writeFileSync(path, readFileSync(path).subarray(0, 100));
    const { code, err } = await lvmc(["train", "--resume", String(trained.lines.at(-1)?.["run"])], { cwd });
    expect(code).toBe(3);
    expect(err).toContain("LVM7030");
  });

  it("4: a loss that is not finite, with the line and the step; the last finite state is saved", async () => {
    const cwd = folderWith({ "m.lvm": goodModel.replace("Normal(z, 0.5)", "Normal(exp(z), 0.5)"), "data.csv": data });
    const { code, lines } = await lvmc(["train", "m.lvm", "--data", "data.csv", "--rate", "100", "--epochs", "50", "--json"], { cwd });
    expect(code).toBe(4);
    const result = lines.at(-1) ?? {};
    const error = lines.find((line) => line["type"] === "error") ?? {};
    expect(error).toMatchObject({ kind: "diverged", code: "LVM7101" });
    expect(String(error["message"])).toMatch(/reconstruction\.x|z|mean/);
    expect(String(error["message"])).toMatch(/at step \d+ \(m\.lvm, line \d+\)/);
    const { tensors } = readSafetensors(readFileSync(String(result["checkpoint"])), "checkpoint");
    for (const [name, { data: values }] of tensors) expect([...values].every((value) => Number.isFinite(Number(value))), name).toBe(true);
  });

  it("5: a device that is not there", async () => {
    const cwd = folderWith({ "m.lvm": goodModel, "data.csv": data });
    expect((await lvmc(["train", "m.lvm", "--data", "data.csv", "--device", "abacus"], { cwd })).code).toBe(5);
  });

  it("70: a bug of ours, with a request for a report", async () => {
    let err = "";
    let first = true;
    const code = await run(["check", "models/vae.lvm"], {
      stdout: {
        write() {
          if (first) {
            first = false;
            throw new TypeError("planted");
          }
        },
        isTTY: false,
        columns: undefined,
      },
      stderr: { write: (text) => void (err += text), isTTY: false, columns: undefined },
      env: {},
      cwd: repository,
      onInterrupt: () => () => undefined,
      exitNow: () => undefined,
    });
    expect(code).toBe(70);
    expect(err).toContain("planted");
    expect(err).toContain("please report it");
  });

  it("130: Ctrl-C; a second one ends at once", async () => {
    const cwd = folderWith({ "tiny.lvm": tinyVae });
    const ran = await lvmc(["train", "tiny.lvm", "--no-samples", "--json"], {
      cwd,
      onOutput: (text, interrupt) => {
        if (text.includes('"type":"step"')) interrupt();
        if (text.includes('"type":"step"')) interrupt();
      },
    });
    expect(ran.code).toBe(130);
    expect(ran.err).toContain("exitNow 130");
  });
});

describe("--json", () => {
  it("prints versioned lines and nothing else, the last one the result", async () => {
    const cwd = folderWith({ "m.lvm": goodModel, "broken.lvm": brokenModel, "tiny.lvm": tinyVae, "data.csv": data });
    const commands = [
      ["check", "m.lvm", "broken.lvm"],
      ["check", "absent.lvm"],
      ["compile", "m.lvm"],
      ["compile", "m.lvm", "-o", "m.ts"],
      ["explain", "m.lvm"],
      ["explain", "LVM2001"],
      ["fmt", "--check", "m.lvm"],
      ["init", "here"],
      ["train", "tiny.lvm", "--steps", "2"],
      ["train", "m.lvm", "--data", "x=absent.npy"],
      ["train", "m.lvm", "--epochs", "none"],
      ["unknown"],
    ];
    for (const command of commands) {
      const { code, lines, err } = await lvmc([...command, "--json"], { cwd, tty: true, env: { FORCE_COLOR: "1" } });
      expect(err, command.join(" ")).toBe("");
      expect(lines.length).toBeGreaterThan(0);
      for (const line of lines) {
        expect(line["lvmc"]).toBe(1);
        expect(typeof line["type"]).toBe("string");
      }
      expect(lines.at(-1)).toMatchObject({ type: "result", exit: code, ok: code === 0 });
      if (code !== 0) expect(lines.some((line) => line["type"] === "diagnostic" || line["type"] === "error"), command.join(" ")).toBe(true);
      expect(JSON.stringify(lines)).not.toContain("\\u001b");
    }
  });

  it("gives diagnostics with their place, and usage errors as such", async () => {
    const cwd = folderWith({ "broken.lvm": brokenModel });
    const { lines } = await lvmc(["check", "broken.lvm", "--json"], { cwd });
    expect(lines[0]).toMatchObject({ type: "diagnostic", code: "LVM2001", severity: "error", range: { file: "broken.lvm", start: { line: 3, column: 14 } } });
    const usage = await lvmc(["check", "--json"]);
    expect(usage.lines[0]).toMatchObject({ type: "error", kind: "usage" });
    expect(usage.code).toBe(2);
  });
});
