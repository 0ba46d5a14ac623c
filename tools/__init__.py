"""What works on the project and is no part of the package: other libraries, and the explorer on them."""
