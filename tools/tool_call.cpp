#include "tools/tool_call.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "lib/base/blocked_signals.h"
#include "lib/base/error.h"
#include "lib/base/log.h"

namespace cv::tools {

namespace {

/// Not PATH: a tool that root runs comes from where the system keeps them.
constexpr std::array kFolders{"/usr/sbin", "/usr/bin", "/sbin", "/bin"};

std::string path_of(const ToolCall& call) {
  for (const char* folder : kFolders) {
    auto path = fmt::format("{}/{}", folder, call.words.front());
    if (::access(path.c_str(), X_OK) == 0) return path;
  }
  throw Error(Errc::not_found, "{} is not installed", call.words.front())
      .advise("install it, or leave out --resizefs and resize the file system yourself");
}

class Actions {
 public:
  Actions() {
    posix_spawn_file_actions_init(&files_);
    posix_spawn_file_actions_addopen(&files_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files_, STDERR_FILENO, STDOUT_FILENO);
    posix_spawnattr_init(&attributes_);
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setflags(&attributes_,
                             POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  }
  ~Actions() {
    posix_spawn_file_actions_destroy(&files_);
    posix_spawnattr_destroy(&attributes_);
  }
  Actions(const Actions&) = delete;
  Actions& operator=(const Actions&) = delete;

  const posix_spawn_file_actions_t* files() const { return &files_; }
  const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  posix_spawn_file_actions_t files_{};
  posix_spawnattr_t attributes_{};
};

}  // namespace

std::string shown(const ToolCall& call) {
  return fmt::format("{}", fmt::join(call.words, " "));
}

void require_installed(const ToolCall& call) {
  static_cast<void>(path_of(call));
}

void run(const ToolCall& call) {
  const auto path = path_of(call);
  std::vector<char*> arguments;
  for (const std::string& word : call.words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  log::verbose("running {}", shown(call));

  const BlockedSignals signals;
  const Actions actions;
  pid_t child = -1;
  if (const int failure = ::posix_spawn(&child, path.c_str(), actions.files(), actions.attributes(),
                                        arguments.data(), environ);
      failure != 0)
    throw Error(Errc::io, "{} can't be started: {}", path, errno_text(failure));
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  if (WIFEXITED(status) && WEXITSTATUS(status) <= call.highest_success) return;
  if (WIFEXITED(status))
    throw Error(Errc::refused, "'{}' ended with status {}", shown(call), WEXITSTATUS(status));
  throw Error(Errc::refused, "'{}' was ended by signal {}", shown(call), WTERMSIG(status));
}

}  // namespace cv::tools
