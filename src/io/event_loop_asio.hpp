// What an EventLoop is made of: for units that use Boost.Asio anyway.
#pragma once

#include <boost/asio/io_context.hpp>
#include <thread>

#include "io/event_loop.hpp"

namespace tally::io {

struct EventLoop::Impl {
    boost::asio::io_context context{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{
        context.get_executor()};
    std::thread thread;
};

}  // namespace tally::io
