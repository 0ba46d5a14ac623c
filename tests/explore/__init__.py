"""Every schedule of small programs, on real tasks and futures."""
