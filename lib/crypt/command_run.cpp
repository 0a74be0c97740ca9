#include "lib/crypt/command_run.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/error.h"
#include "lib/crypt/helper_process.h"
#include "lib/crypt/trusted_path.h"

namespace cv::crypt {

namespace {

constexpr std::size_t kLongestComplaint = 4096;
/// More than a pipe holds.
constexpr int kMostReadsAtEnd = 4096;

/// Writing to a program that reads no more is an error like others, and no signal.
class IgnoredPipeSignal {
 public:
  IgnoredPipeSignal() {
    struct sigaction ignore {};
    ignore.sa_handler = SIG_IGN;
    ::sigaction(SIGPIPE, &ignore, &former_);
  }
  ~IgnoredPipeSignal() { ::sigaction(SIGPIPE, &former_, nullptr); }
  IgnoredPipeSignal(const IgnoredPipeSignal&) = delete;
  IgnoredPipeSignal& operator=(const IgnoredPipeSignal&) = delete;

 private:
  struct sigaction former_ {};
};

/// Ends as the program does; where we are killed before, it takes along all that the program started.
[[noreturn]] void watch_over(pid_t program) {
  // The three pipes are the program's alone.
  ::syscall(SYS_close_range, 0U, UINT_MAX, 0U);
  int status = 0;
  while (::waitpid(program, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status)) {
    ::signal(WTERMSIG(status), SIG_DFL);
    ::raise(WTERMSIG(status));
  }
  ::_exit(WEXITSTATUS(status));
}

/// In the helper process, which stays and watches over the program.
void start_program(const CommandSpec& spec) {
  // It leads the group. Before, its own death would have been all that ours brings about.
  ::signal(SIGTERM, [](int) { ::kill(0, SIGKILL); });
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  const pid_t program = ::fork();
  if (program < 0) ::_exit(127);
  if (program > 0) watch_over(program);
  ::signal(SIGTERM, SIG_DFL);
  std::vector<char*> words;
  for (const std::string& word : spec.words) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  char language[] = "LC_ALL=C";
  char* const environment[] = {path, language, nullptr};
  ::execve(words[0], words.data(), environment);
  const char* const why = ::strerror(errno);
  static_cast<void>(!::write(STDERR_FILENO, why, std::strlen(why)));
  ::_exit(127);
}

std::string last_line(std::string_view text) {
  const auto is_blank = [](char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; };
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  text.remove_prefix(text.rfind('\n') + 1);
  std::string line;
  for (const char c : text)
    if (std::iscntrl(static_cast<unsigned char>(c)) == 0) line += c;
  return line;
}

/// The talk with one program.
class Talk {
 public:
  Talk(const CommandSpec& spec, const SecureBytes& request, std::size_t longest)
      : spec_(spec),
        request_(request.bytes()),
        input_(make_pipe()),
        output_(make_pipe()),
        complaints_(make_pipe()),
        process_({input_.first.get(), output_.second.get(), complaints_.second.get()},
                 [&] { start_program(spec); }),
        answer_(longest + 1),
        deadline_(std::chrono::steady_clock::now() + spec.patience) {
    input_.first.reset();
    output_.second.reset();
    complaints_.second.reset();
    for (const Fd* end : {&input_.second, &output_.first, &complaints_.first})
      ::fcntl(end->get(), F_SETFL, ::fcntl(end->get(), F_GETFL) | O_NONBLOCK);
  }

  CommandAnswer run() {
    while (!wait()) {
      write_some();
      read_some();
    }
    CommandAnswer answer;
    answer.status = process_.stop();
    // What is left in the pipes; nobody is to fill them any more.
    for (int reads = 0; reads < kMostReadsAtEnd && read_some(); ++reads) {
    }
    answer.complaint = last_line(complaint_);
    answer_.shrink(size_);
    answer.output = std::move(answer_);
    return answer;
  }

 private:
  /// True when the program has ended. Throws where its time is up.
  bool wait() {
    // poll() passes over descriptors below 0.
    std::array<pollfd, 4> ends{pollfd{.fd = process_.ended_fd(), .events = POLLIN, .revents = 0},
                               pollfd{.fd = input_.second.get(), .events = POLLOUT, .revents = 0},
                               pollfd{.fd = output_.first.get(), .events = POLLIN, .revents = 0},
                               pollfd{.fd = complaints_.first.get(), .events = POLLIN, .revents = 0}};
    const int left = milliseconds_until(deadline_);
    const int ready = left == 0 ? 0 : ::poll(ends.data(), ends.size(), left);
    if (ready == 0)
      throw Error(Errc::key_missing, "{} gave no answer within {} s and was ended", spec_.words[0],
                  static_cast<double>(spec_.patience.count()) / 1000)
          .advise("look whether what it needs can be reached, or give it more time in its configuration");
    return ready > 0 && ends[0].revents != 0;
  }

  void write_some() {
    if (!input_.second) return;
    const ssize_t written = ::write(input_.second.get(), request_.data(), request_.size());
    if (written < 0 && (errno == EAGAIN || errno == EINTR)) return;
    request_ = request_.subspan(written < 0 ? request_.size() : static_cast<std::size_t>(written));
    if (request_.empty()) input_.second.reset();
  }

  /// Of each pipe once: one that is filled faster than it is read must not keep us from looking at the time.
  /// False where there was nothing.
  bool read_some() {
    const auto answered = read_from(output_.first, answer_.bytes().subspan(size_));
    size_ += answered;
    if (size_ == answer_.size())
      throw Error(Errc::key_missing, "{} wrote more than the {} bytes that were asked for, and was ended",
                  spec_.words[0], size_ - 1);
    std::array<std::byte, 512> some{};
    const auto complained = read_from(complaints_.first, some);
    complaint_.append(reinterpret_cast<const char*>(some.data()), complained);
    if (complaint_.size() > kLongestComplaint) complaint_.erase(0, complaint_.size() - kLongestComplaint);
    return answered + complained > 0;
  }

  /// 0 where there is nothing now; at the end the descriptor goes.
  static std::size_t read_from(Fd& end, std::span<std::byte> room) {
    if (!end || room.empty()) return 0;
    const ssize_t got = ::read(end.get(), room.data(), room.size());
    if (got > 0) return static_cast<std::size_t>(got);
    if (got == 0 || (errno != EAGAIN && errno != EINTR)) end.reset();
    return 0;
  }

  const CommandSpec& spec_;
  std::span<const std::byte> request_;
  Ends input_;
  Ends output_;
  Ends complaints_;
  HelperProcess process_;
  SecureBytes answer_;
  std::size_t size_ = 0;
  std::string complaint_;
  Deadline deadline_;
};

}  // namespace

CommandAnswer ask_program(const CommandSpec& spec, uid_t owner, const SecureBytes& request,
                          std::size_t longest) {
  CV_ASSERT(!spec.words.empty());
  static_cast<void>(open_trusted(spec.words.front(), owner));
  const IgnoredPipeSignal no_signal;
  return Talk(spec, request, longest).run();
}

}  // namespace cv::crypt
