// Executes commands of the memory tool, one JSON object a line, with the reference implementation,
// in the folder that is given: for memory_tool_test.py.
import { createInterface } from 'node:readline';
import { BetaLocalFilesystemMemoryTool } from '@anthropic-ai/sdk/tools/memory/node';

const tool = await BetaLocalFilesystemMemoryTool.init(process.argv[2]);
for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  let answer;
  try {
    answer = { content: await tool[command.command](command), is_error: false };
  } catch (error) {
    answer = { content: error.message, is_error: true };
  }
  console.log(JSON.stringify(answer));
}
