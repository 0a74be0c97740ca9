#include "tools/terminal_console.h"

#include <cerrno>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/error.h"
#include "lib/base/handle.h"
#include "tools/hidden_input.h"

extern char** environ;

namespace cv::tools {

namespace {

using crypt::SecureBytes;

constexpr const char* kAgentProgram = "/usr/bin/systemd-ask-password";
/// There where systemd runs the machine (sd_booted(3)); it starts the agents.
constexpr const char* kSystemdRuns = "/run/systemd/system";

Input kind_of(int descriptor) {
  if (isatty(descriptor) == 1) return Input::terminal;
  struct stat status {};
  if (fstat(descriptor, &status) != 0) return Input::none;
  const bool is_stream = S_ISFIFO(status.st_mode) || S_ISREG(status.st_mode) || S_ISSOCK(status.st_mode);
  return is_stream ? Input::stream : Input::none;
}

Fd controlling_terminal() {
  return Fd(open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC));
}

class Spawned {
 public:
  explicit Spawned(pid_t process) : process_(process) {}
  ~Spawned() { wait(); }
  Spawned(const Spawned&) = delete;
  Spawned& operator=(const Spawned&) = delete;

  bool succeeded() { return wait() && WIFEXITED(status_) && WEXITSTATUS(status_) == 0; }

 private:
  bool wait() {
    if (process_ <= 0) return process_ == 0;
    while (waitpid(process_, &status_, 0) < 0) {
      if (errno != EINTR) return false;
    }
    process_ = 0;
    return true;
  }

  pid_t process_;
  int status_ = -1;
};

std::optional<SecureBytes> answer_of(const std::vector<std::string>& words) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return std::nullopt;
  const Fd reading(ends[0]);
  Fd writing(ends[1]);

  std::vector<char*> arguments;
  for (const auto& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, writing.get(), STDOUT_FILENO);
  pid_t process = 0;
  const int problem = posix_spawn(&process, arguments.front(), &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (problem != 0) return std::nullopt;
  Spawned agent(process);
  writing.reset();
  auto line = read_secret_line(reading.get());
  if (!agent.succeeded()) return std::nullopt;
  return line;
}

class ProcessConsole final : public Console {
 public:
  ProcessConsole(int input, int output, bool use_controlling_terminal)
      : input_(input), output_(output), use_controlling_terminal_(use_controlling_terminal) {}

  Input input() override { return kind_of(input_); }

  std::optional<SecureBytes> ask_hidden(const std::string& prompt) override {
    if (use_controlling_terminal_) {
      if (const Fd terminal = controlling_terminal()) return read_hidden_line(terminal.get(), prompt);
    }
    return read_hidden_line(input_, prompt);
  }

  std::optional<SecureBytes> next_line() override { return read_secret_line(input_); }

  std::optional<SecureBytes> ask_agent(const std::string& prompt, const std::string& id) override {
    if (access(kSystemdRuns, F_OK) != 0 || access(kAgentProgram, X_OK) != 0) return std::nullopt;
    if (use_controlling_terminal_ && controlling_terminal()) return std::nullopt;
    return answer_of({kAgentProgram, "--no-tty", "--timeout=90", "--id=cvm:" + id, prompt});
  }

  std::optional<std::string> ask(const std::string& question) override {
    if (input() == Input::none) return std::nullopt;
    show(question);
    // Answers are no secrets, but they come from the same lines.
    const auto line = read_secret_line(input_);
    if (!line) return std::nullopt;
    std::string answer(line->data(), line->size());
    while (!answer.empty() && (answer.back() == ' ' || answer.back() == '\r')) answer.pop_back();
    return answer;
  }

 private:
  void show(std::string_view text) const {
    while (!text.empty()) {
      const auto written = write(output_, text.data(), text.size());
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return;
      text.remove_prefix(static_cast<std::size_t>(written));
    }
  }

  int input_;
  int output_;
  bool use_controlling_terminal_;
};

}  // namespace

std::unique_ptr<Console> process_console() {
  return std::make_unique<ProcessConsole>(STDIN_FILENO, STDERR_FILENO, true);
}

std::unique_ptr<Console> console_on(int input, int output) {
  return std::make_unique<ProcessConsole>(input, output, false);
}

}  // namespace cv::tools
