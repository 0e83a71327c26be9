#include "cli/commands.h"

int main(int count, char** arguments) {
  return holdfast::cli::Commands().run(count, arguments);
}
