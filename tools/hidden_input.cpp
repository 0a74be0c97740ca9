#include "tools/hidden_input.h"

#include <cerrno>
#include <csignal>

#include <poll.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "lib/base/error.h"
#include "lib/base/handle.h"

namespace cv::tools {

namespace {

using crypt::SecureBytes;

/// Bytes of unknown number; each time they outgrow their pages, the old ones are wiped.
class GrowingSecret {
 public:
  void add(std::byte byte) {
    if (used_ == bytes_.size()) grow();
    bytes_.bytes()[used_++] = byte;
  }
  std::size_t size() const { return used_; }
  SecureBytes take() {
    bytes_.shrink(used_);
    return std::move(bytes_);
  }

 private:
  void grow() {
    if (used_ >= kLongestSecretLine) {
      throw Error(Errc::key_file, "the line that should be the secret is longer than {} bytes",
                  kLongestSecretLine)
          .advise("give it as a file with --keyfile");
    }
    SecureBytes larger(bytes_.empty() ? 512 : bytes_.size() * 2);
    std::copy(bytes_.bytes().begin(), bytes_.bytes().end(), larger.bytes().begin());
    bytes_ = std::move(larger);
  }

  SecureBytes bytes_;
  std::size_t used_ = 0;
};

/// Signals that would end or stop us come as bytes on a descriptor instead, while this lives.
class CaughtSignals {
 public:
  CaughtSignals() {
    sigemptyset(&set_);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP}) sigaddset(&set_, signal);
    pthread_sigmask(SIG_BLOCK, &set_, &former_);
    fd_ = Fd(signalfd(-1, &set_, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!fd_) {
      const int problem = errno;
      pthread_sigmask(SIG_SETMASK, &former_, nullptr);
      throw Error(Errc::io, "signals can't be waited for: {}", errno_text(problem));
    }
  }
  ~CaughtSignals() { pthread_sigmask(SIG_SETMASK, &former_, nullptr); }
  CaughtSignals(const CaughtSignals&) = delete;
  CaughtSignals& operator=(const CaughtSignals&) = delete;

  int descriptor() const { return fd_.get(); }
  /// 0 where there is none.
  int next() const {
    signalfd_siginfo info{};
    return read(fd_.get(), &info, sizeof info) == sizeof info ? static_cast<int>(info.ssi_signo) : 0;
  }

 private:
  sigset_t set_{};
  sigset_t former_{};
  Fd fd_;
};

class EchoOff {
 public:
  explicit EchoOff(int terminal) : terminal_(terminal) {
    if (tcgetattr(terminal, &former_) != 0) {
      throw Error(Errc::key_missing, "the terminal can't be switched to hidden input: {}", errno_text(errno))
          .advise("use --keyfile");
    }
    apply();
  }
  ~EchoOff() { restore(); }
  EchoOff(const EchoOff&) = delete;
  EchoOff& operator=(const EchoOff&) = delete;

  void apply() {
    termios hidden = former_;
    hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO | ECHOE | ECHOK | ECHONL);
    hidden.c_lflag |= ICANON | ISIG;
    // What was typed ahead of the prompt was typed with echo and is no secret: it is dropped.
    tcsetattr(terminal_, TCSAFLUSH, &hidden);
  }
  void restore() noexcept { tcsetattr(terminal_, TCSAFLUSH, &former_); }

 private:
  int terminal_;
  termios former_{};
};

void show(int terminal, std::string_view text) {
  while (!text.empty()) {
    const auto written = write(terminal, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

/// True where a line or the end of file is there to be read; false after the process was stopped and went on.
bool wait_for_input(int terminal, const CaughtSignals& signals, EchoOff& echo) {
  for (;;) {
    pollfd waited[2] = {{terminal, POLLIN, 0}, {signals.descriptor(), POLLIN, 0}};
    if (poll(waited, 2, -1) < 0) {
      if (errno == EINTR) continue;
      throw Error(Errc::io, "the terminal can't be read: {}", errno_text(errno));
    }
    if (waited[1].revents != 0) {
      const int signal = signals.next();
      if (signal == SIGTSTP) {
        echo.restore();
        show(terminal, "\n");
        raise(SIGSTOP);
        echo.apply();
        return false;
      }
      if (signal != 0) {
        show(terminal, "\n");
        throw Error(Errc::interrupted, "interrupted by a signal while asking for a secret");
      }
    }
    if (waited[0].revents != 0) return true;
  }
}

}  // namespace

std::optional<SecureBytes> read_hidden_line(int terminal, const std::string& prompt) {
  const CaughtSignals signals;
  EchoOff echo(terminal);
  do {
    show(terminal, prompt);
  } while (!wait_for_input(terminal, signals, echo));
  // A terminal gives whole lines: the rest of this one is there.
  auto line = read_secret_line(terminal);
  show(terminal, "\n");
  return line;
}

std::optional<SecureBytes> read_secret_line(int stream) {
  GrowingSecret line;
  bool any = false;
  SecureBytes one(1);  // not even one byte stays on the stack
  for (;;) {
    const auto got = read(stream, one.data(), 1);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno != EIO) {
      throw Error(Errc::key_missing, "standard input can't be read: {}", errno_text(errno));
    }
    if (got <= 0) {  // EIO: the other side of the terminal is gone
      if (!any) return std::nullopt;
      return line.take();
    }
    if (one.bytes().front() == std::byte{'\n'}) return line.take();
    any = true;
    line.add(one.bytes().front());
  }
}

}  // namespace cv::tools
