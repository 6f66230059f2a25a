/**
 * The folder of data sets that are too large, or not ours, to be kept here: `UNDERSTUDY_DATA_DIR`. Without it, says that nothing
 * was measured.
 */
export function dataDirectory(): string | undefined {
  const directory = process.env['UNDERSTUDY_DATA_DIR']
  if (directory === undefined) process.stdout.write('NOT MEASURED: set UNDERSTUDY_DATA_DIR to the folder with the data sets (it has a folder dev).\n')
  return directory
}
