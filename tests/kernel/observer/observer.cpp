// observer PREFIX COMMAND [ARGUMENT]...: runs a command and keeps what lies in its memory.
//
//   PREFIX.ioctls   a line for each request to device-mapper: "table_load secure", "dev_suspend", ...
//   PREFIX.loading  its memory as the last table was on its way into the kernel
//   PREFIX.loaded   its memory at the first request that followed the last table
//   PREFIX.end      its memory as it ended
//   PREFIX.limits   its limits then
//   PREFIX.owner    the uid that /proc/PID/mem belonged to: 0 where it can't be dumped, whoever runs it
//
// Beside each, in *.maps: where which mapping begins. Memory is what /proc/PID/mem has: pages that are kept
// out of core dumps too. Files that are only mapped for reading are left out. The exit status is the
// command's.
#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/handle.h"

namespace {

[[noreturn]] void give_up(const std::string& what) {
  std::perror(("observer: " + what).c_str());
  std::exit(99);
}

/// Pieces that are all zeros are left out.
constexpr std::size_t kPiece = 16384;

class Observer {
 public:
  Observer(pid_t child, std::string prefix) : child_(child), prefix_(std::move(prefix)) {
    ioctls_.open(prefix_ + ".ioctls");
  }

  /// At the entry of a system call.
  void see(const user_regs_struct& registers) {
    if (registers.orig_rax == SYS_ioctl && (registers.rsi & 0xff00U) >> 8U == DM_IOCTL)
      see_request(registers);
    if (registers.orig_rax == SYS_exit_group) {
      keep_memory("end");
      std::ofstream(prefix_ + ".limits") << std::ifstream(in_proc("limits")).rdbuf();
      struct stat memory {};
      if (::stat(in_proc("mem").c_str(), &memory) != 0) give_up("the owner of its memory");
      std::ofstream(prefix_ + ".owner") << memory.st_uid << '\n';
    }
  }

 private:
  std::string in_proc(const std::string& name) const {
    return "/proc/" + std::to_string(child_) + "/" + name;
  }

  void see_request(const user_regs_struct& registers) {
    const bool loads = registers.rsi == DM_TABLE_LOAD;
    if (loads) keep_memory("loading");
    if (has_loaded_ && !loads) keep_memory("loaded");
    has_loaded_ = loads;
    dm_ioctl head{};
    if (::pread(memory().get(), &head, sizeof head, static_cast<off_t>(registers.rdx)) != sizeof head)
      give_up("a request to device-mapper");
    ioctls_ << name_of(registers.rsi) << ((head.flags & DM_SECURE_DATA_FLAG) != 0 ? " secure" : "") << '\n';
    ioctls_.flush();
  }

  static std::string name_of(unsigned long request) {
    switch (request) {
      case DM_TABLE_LOAD: return "table_load";
      case DM_TABLE_STATUS: return "table_status";
      case DM_DEV_SUSPEND: return "dev_suspend";
      default: return std::to_string(request & 0xffU);
    }
  }

  /// Opened anew each time: an exec() puts other memory in its place.
  cv::Fd memory() const {
    cv::Fd file(::open(in_proc("mem").c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) give_up("memory of the command");
    return file;
  }

  void keep_memory(const std::string& moment) const {
    std::ofstream file(prefix_ + "." + moment, std::ios::binary | std::ios::trunc);
    std::ifstream maps(in_proc("maps"));
    std::ofstream places(prefix_ + "." + moment + ".maps");
    const cv::Fd from = memory();
    for (std::string line; std::getline(maps, line);) {
      unsigned long begin = 0;
      unsigned long end = 0;
      char access[5] = "";
      unsigned long inode = 0;
      if (std::sscanf(line.c_str(), "%lx-%lx %4s %*s %*s %lu", &begin, &end, access, &inode) != 4) continue;
      if (inode != 0 && access[1] != 'w') continue;
      places << file.tellp() << ' ' << line << '\n';
      keep(file, from, begin, end);
    }
    if (!file.flush()) give_up(prefix_ + "." + moment);
  }

  static void keep(std::ofstream& file, const cv::Fd& from, unsigned long begin, unsigned long end) {
    std::vector<char> bytes(kPiece);
    while (begin < end) {
      const ssize_t got = ::pread(from.get(), bytes.data(), std::min<std::size_t>(bytes.size(), end - begin),
                                  static_cast<off_t>(begin));
      if (got <= 0) return;  // the kernel's own pages
      const auto is_zero = [](char byte) { return byte == 0; };
      if (!std::all_of(bytes.begin(), bytes.begin() + got, is_zero)) file.write(bytes.data(), got);
      begin += static_cast<unsigned long>(got);
    }
  }

  pid_t child_;
  std::string prefix_;
  std::ofstream ioctls_;
  bool has_loaded_ = false;
};

int observe(pid_t child, const std::string& prefix) {
  std::optional<Observer> observer;
  bool is_inside = false;
  for (;;) {
    int status = 0;
    if (::waitpid(child, &status, 0) < 0) give_up("waitpid");
    if (WIFEXITED(status)) return WEXITSTATUS(status);
    if (WIFSIGNALED(status)) return 128 + WTERMSIG(status);
    long signal = 0;
    if (!observer) {
      // The stop that follows exec().
      if (::ptrace(PTRACE_SETOPTIONS, child, 0,
                   PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL) != 0)
        give_up("PTRACE_SETOPTIONS");
      observer.emplace(child, prefix);
    } else if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
      is_inside = !is_inside;
      user_regs_struct registers{};
      if (::ptrace(PTRACE_GETREGS, child, 0, &registers) != 0) give_up("PTRACE_GETREGS");
      if (is_inside) observer->see(registers);
    } else if (WSTOPSIG(status) != SIGTRAP) {  // which is an exec()
      signal = WSTOPSIG(status);
    }
    if (::ptrace(PTRACE_SYSCALL, child, 0, signal) != 0) give_up("PTRACE_SYSCALL");
  }
}

}  // namespace

int main(int count, char** words) {
  if (count < 3) {
    std::fprintf(stderr, "usage: observer PREFIX COMMAND [ARGUMENT]...\n");
    return 99;
  }
  const pid_t child = ::fork();
  if (child < 0) give_up("fork");
  if (child == 0) {
    ::ptrace(PTRACE_TRACEME, 0, 0, 0);
    ::execvp(words[2], words + 2);
    give_up(words[2]);
  }
  return observe(child, words[1]);
}
