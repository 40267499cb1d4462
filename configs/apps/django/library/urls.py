"""The pages of the library: the list of books, one book, and Django's admin."""
from django.contrib import admin
from django.urls import path

from books import views

urlpatterns = [
    path("", views.shelf, name="shelf"),
    path("books/<int:number>/", views.book, name="book"),
    path("admin/", admin.site.urls),
]
