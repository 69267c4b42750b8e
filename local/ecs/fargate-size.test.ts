import { expect, it } from "vitest";
import { readFargateSize } from "./fargate-size.ts";

it.each([
  ["256", "512"],
  ["256", "2048"],
  ["512", "1024"],
  ["1024", "8192"],
  ["2048", "16384"],
  ["4096", "30720"],
  ["8192", "20480"],
  ["16384", "122880"],
])("takes %s CPU units with %s MiB", (cpu, memory) => {
  expect(readFargateSize(cpu, memory)).toEqual({ cpu: Number(cpu), memoryMiB: Number(memory) });
});

it.each([
  ["256", "3072"],
  ["512", "512"],
  ["1024", "2049"],
  ["4096", "31744"],
  ["8192", "17408"],
  ["3000", "4096"],
  ["", "512"],
  ["1024", undefined],
  ["1e3", "2048"],
])("refuses %s CPU units with %s MiB", (cpu, memory) => {
  expect(() => readFargateSize(cpu, memory)).toThrow("No Fargate configuration exists");
});

it("reads vCPU and GB", () => {
  expect(readFargateSize(".5 vCPU", "1 GB")).toEqual({ cpu: 512, memoryMiB: 1_024 });
});
