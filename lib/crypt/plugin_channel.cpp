#include "lib/crypt/plugin_channel.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include <poll.h>
#include <sys/socket.h>

#include "lib/base/bytes.h"
#include "lib/base/error.h"

namespace cv::crypt {

namespace {

struct Head {
  std::uint8_t note;
  le32 size;
};
static_assert(sizeof(Head) == 5);

bool send_all(int socket, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(sent));
  }
  return true;
}

void wait_for_bytes(int socket, const std::optional<Deadline>& deadline) {
  if (!deadline) return;
  pollfd one{.fd = socket, .events = POLLIN, .revents = 0};
  while (::poll(&one, 1, milliseconds_until(*deadline)) < 0 && errno == EINTR) {
  }
  if (one.revents == 0) throw Error(Errc::io, "it does not answer");
}

/// False at the end.
bool receive_all(int socket, const std::optional<Deadline>& deadline, std::span<std::byte> bytes) {
  while (!bytes.empty()) {
    wait_for_bytes(socket, deadline);
    const ssize_t got = ::recv(socket, bytes.data(), bytes.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(got));
  }
  return true;
}

}  // namespace

void send_message(int socket, Note note, std::span<const std::byte> body) {
  const Head head{.note = static_cast<std::uint8_t>(note), .size = static_cast<std::uint32_t>(body.size())};
  if (send_all(socket, std::as_bytes(std::span(&head, 1)))) send_all(socket, body);
}

std::optional<Message> receive_message(int socket, std::optional<Deadline> deadline, std::size_t longest) {
  Head head{};
  if (!receive_all(socket, deadline, std::as_writable_bytes(std::span(&head, 1)))) return std::nullopt;
  if (head.note > static_cast<std::uint8_t>(Note::done) || head.size.value() > longest)
    throw Error(Errc::damaged, "it says what can't be understood");
  Message message{.note = static_cast<Note>(head.note), .body = SecureBytes(head.size.value())};
  if (!receive_all(socket, deadline, message.body.bytes())) return std::nullopt;
  return message;
}

}  // namespace cv::crypt
