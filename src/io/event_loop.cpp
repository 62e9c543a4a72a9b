#include "io/event_loop.hpp"

#include <boost/asio/post.hpp>
#include <mutex>

#include "base/ensure.hpp"
#include "io/event_loop_asio.hpp"
#include "io/thread_name.hpp"

namespace tally::io {

struct LoopPoster::Gate {
    std::mutex mutex;
    boost::asio::io_context* context = nullptr;  // Null once the loop stopped.
};

bool LoopPoster::post(std::function<void()> work) const {
    if (!gate_) return false;
    const std::lock_guard lock(gate_->mutex);
    if (gate_->context == nullptr) return false;
    boost::asio::post(*gate_->context, std::move(work));
    return true;
}

EventLoop::EventLoop(const char* name) : impl_(std::make_unique<Impl>()) {
    poster_.gate_ = std::make_shared<LoopPoster::Gate>();
    poster_.gate_->context = &impl_->context;
    impl_->thread = std::thread([context = &impl_->context, name] {
        name_this_thread(name);
        context->run();
    });
}

EventLoop::~EventLoop() {
    stop();
}

void EventLoop::stop() {
    {
        const std::lock_guard lock(poster_.gate_->mutex);
        poster_.gate_->context = nullptr;
    }
    impl_->context.stop();
    if (!impl_->thread.joinable()) return;
    ENSURE(impl_->thread.get_id() != std::this_thread::get_id());
    impl_->thread.join();
}

}  // namespace tally::io
