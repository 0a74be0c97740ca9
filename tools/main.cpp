// The program: one binary, called as cvm or by the name of a command.
#include <csignal>
#include <exception>

#include <fcntl.h>
#include <malloc.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/error.h"
#include "lib/base/handle.h"
#include "lib/base/log.h"
#include "lib/crypt/secret.h"
#include "tools/program.h"
#include "tools/terminal_console.h"

namespace {

using namespace cv;
using namespace cv::tools;

/// With one of them closed the next device that is opened would get its number, and messages would be written
/// to a disk.
void fill_standard_descriptors() {
  for (;;) {
    Fd opened(open("/dev/null", O_RDWR));
    if (opened.get() < 0 || opened.get() > STDERR_FILENO) return;
    opened.release();
  }
}

int ended_by(const Error& error, Output& output) {
  log::error("{}", error.what());
  if (!error.advice().empty()) log::error("{}", error.advice());
  try {
    output.finish(&error);
  } catch (const Error& second) {
    log::error("{}", second.what());
  }
  return exit_status(error.code());
}

/// A command is short and takes large buffers again and again: what was freed is not given back to the
/// kernel, which would have to clear it anew.
void keep_freed_memory() {
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  mallopt(M_TOP_PAD, 1 << 20);
}

}  // namespace

int main(int argc, char** argv) {
  keep_freed_memory();
  fill_standard_descriptors();
  std::signal(SIGPIPE, SIG_IGN);  // a reader that goes away must not end a change half-way
  umask(077);
  MessageSink sink(STDERR_FILENO);
  const log::Redirect redirect(sink);
  const std::vector<std::string> words(argv, argv + argc);
  Output output(STDOUT_FILENO, format_in(words));
  try {
    crypt::protect_process();
    const auto console = process_console();
    run_command(words, process_host(*console, output), sink);
    output.finish(nullptr);
    return 0;
  } catch (const Error& error) {
    return ended_by(error, output);
  } catch (const std::bad_alloc&) {
    return ended_by(Error(Errc::io, "there is not enough memory"), output);
  } catch (const std::exception& problem) {
    return ended_by(Error(Errc::io, "internal error: {}; please report this", problem.what()), output);
  }
}
