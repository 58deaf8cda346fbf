"""python3 -m cotangent_kernel: the kernel itself, as kernel.json starts it; or `install` and `uninstall`."""
import sys

if __name__ == "__main__":
    if sys.argv[1:2] in (["install"], ["uninstall"]):
        from .install import main
        main(sys.argv[1:])
    else:
        from ipykernel.kernelapp import IPKernelApp

        from .kernel import CotangentKernel
        IPKernelApp.launch_instance(kernel_class=CotangentKernel)
