#include "tests/interop/clevis/tang_server.h"

#include <cerrno>
#include <csignal>
#include <cstdlib>

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/error.h"
#include "tests/support/run_program.h"

namespace cv::test {

namespace {

constexpr const char* kServer = "/usr/libexec/tangd";

void must(const std::string& script) {
  const auto result = run_program({"sh", "-c", script});
  if (result.status != 0) throw Error(Errc::io, "{}: {}", script, result.output);
}

/// What inetd does; never comes back.
[[noreturn]] void serve(int listener, const std::string& keys) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::signal(SIGCHLD, SIG_IGN);
  const int nothing = ::open("/dev/null", O_WRONLY);
  for (;;) {
    const int connection = ::accept(listener, nullptr, nullptr);
    if (connection < 0 && errno != EINTR) ::_exit(1);
    if (connection >= 0 && ::fork() == 0) {
      ::dup2(connection, STDIN_FILENO);
      ::dup2(connection, STDOUT_FILENO);
      ::dup2(nothing, STDERR_FILENO);
      ::execl(kServer, kServer, keys.c_str(), nullptr);
      ::_exit(127);
    }
    if (connection >= 0) ::close(connection);
  }
}

}  // namespace

TangServer::TangServer() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  must(fmt::format("/usr/libexec/tangd-keygen {}", keys_.path("")));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  if (!listener_ || ::bind(listener_.get(), generic, length) != 0 || ::listen(listener_.get(), 16) != 0 ||
      ::getsockname(listener_.get(), generic, &length) != 0)
    throw Error(Errc::io, "no socket for tang: {}", errno_text(errno));
  port_ = ntohs(address.sin_port);
  answer();
}

TangServer::~TangServer() {
  go_down();
}

std::string TangServer::url() const {
  return fmt::format("http://127.0.0.1:{}", port_);
}

std::string TangServer::thumbprint() const {
  const auto result = run_program(
      {"sh", "-c",
       fmt::format("for key in {}*.jwk; do jose jwk use -i $key -r -u verify -o- 2>/dev/null; done | "
                   "jose jwk thp -i-",
                   keys_.path(""))});
  EXPECT_EQ(result.status, 0) << result.output;
  return result.output.substr(0, result.output.find('\n'));
}

void TangServer::rotate() {
  must(fmt::format("/usr/libexec/tangd-rotate-keys -d {}", keys_.path("")));
}

void TangServer::drop_old_keys() {
  must(fmt::format("rm {}.*.jwk", keys_.path("")));
}

void TangServer::answer() {
  process_ = ::fork();
  if (process_ < 0) throw Error(Errc::io, "no process for tang: {}", errno_text(errno));
  if (process_ == 0) serve(listener_.get(), keys_.path(""));
}

void TangServer::fall_silent() {
  if (process_ < 0) return;
  ::kill(process_, SIGKILL);
  while (::waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {
  }
  process_ = -1;
}

void TangServer::go_down() {
  fall_silent();
  listener_.reset();
}

}  // namespace cv::test
